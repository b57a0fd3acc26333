// Pays, until it is known to be done: node pay.mjs URL PATIENCE AMOUNT...
// Each further amount is another request with the same key.

import { ann, post } from './keyed.mjs'

const [url, patience, ...amounts] = process.argv.slice(2)
const results = []
for (const amount of amounts) {
  const { answer, text, problem, attempts } = await post(url, {
    key: 'order-1',
    body: amount,
    headers: ann,
    patience: Number(patience),
  })
  results.push({
    status: answer.status,
    replayed: answer.headers.get('Idempotency-Replayed') === 'true',
    location: answer.headers.get('Location'),
    text: problem ? '' : text,
    problem,
    attempts,
  })
}
console.log(JSON.stringify(results))
