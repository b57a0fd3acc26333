// What clients_test.go runs: what the server does to these requests is written there.
import { send, update } from './client.mjs'

const [base] = process.argv.slice(2)
const headers = { Authorization: 'Basic ' + btoa('ann:') }
const show = async (answer) =>
  console.log(answer.status, (await answer.text()).trim(), answer.headers.get('Idempotency-Replayed') ?? '')

await show(await send(base + '/payments', { method: 'POST', headers, body: '12.50' }))
await show(await send(base + '/payments?reject', { method: 'POST', headers, body: '12.50' }))
let others = 0
await show(await update(base + '/notes/1', { headers }, (text) => text + (others++ ? ' Again.' : ' First.')))
await show(await fetch(base + '/notes/1', { headers }))
await fetch(base + '/down', { headers })
await send(base + '/payments', { method: 'POST', headers, body: '1' }, 2).catch(() => console.log('no answer'))
