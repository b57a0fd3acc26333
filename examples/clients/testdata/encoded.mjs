// Reads a note that comes compressed, and changes that version of it:
// node encoded.mjs URL

import { readProblem } from './keyed.mjs'

const url = process.argv[2]

const first = await fetch(url)
const text = await first.text()
const tag = first.headers.get('ETag')
const again = await fetch(url, { headers: { 'If-None-Match': tag } })
const save = async () => {
  const answer = await fetch(url, { method: 'PUT', body: `${text} Buy bread.`, headers: { 'If-Match': tag } })
  return { status: answer.status, problem: readProblem(answer, await answer.text()) }
}
console.log(JSON.stringify({
  encoding: first.headers.get('Content-Encoding'), text, tag,
  again: again.status, saved: await save(), stale: await save(),
}))
