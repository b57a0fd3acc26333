// Sends what is answered in every way over one connection: node keepalive.mjs URL
// prints, of each request, its status and whether it reused the connection.

import http from 'node:http'
import { ann } from './keyed.mjs'

const base = process.argv[2]
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })

const send = (method, path, headers = {}, body = '') => new Promise((resolve, reject) => {
  const request = http.request(base + path, { agent, method, headers: { ...ann, ...headers } }, (answer) => {
    let text = ''
    answer.setEncoding('utf8')
    answer.on('data', (part) => { text += part })
    answer.on('end', () => resolve({ status: answer.statusCode, reused: request.reusedSocket, tag: answer.headers.etag, text }))
    answer.on('error', reject)
  })
  request.on('error', reject)
  request.end(body)
})

const key = { 'Idempotency-Key': '"order-1"' }
const read = await send('GET', '/notes/1')
const results = [
  read,
  await send('GET', '/notes/1', { 'If-None-Match': read.tag }),
  await send('PUT', '/notes/1', { 'If-Match': '"stale"' }, 'Buy tea.'),
  await send('PUT', '/notes/1', {}, 'Buy tea.'),
  await send('PUT', '/notes/1', { 'If-Match': read.tag }, 'Buy tea.'),
  await send('POST', '/payments', key, '1250'),
  await send('POST', '/payments', key, '1250'),
  await send('POST', '/payments', key, '9900'),
  await send('POST', '/payments', {}, '1250'),
]
agent.destroy()
console.log(JSON.stringify(results))
