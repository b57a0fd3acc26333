// A POST that is done once, however often it has to be sent: with fetch alone, in
// Node or a browser.

import { setTimeout as sleep } from 'node:timers/promises'

// post sends body with an idempotency key until the outcome is known, at most
// `attempts` times. It resolves to the last answer, its body as text, and the
// problem if it is one. No answer within `patience` milliseconds, or a connection
// that breaks off, says nothing about what was done: so it is sent again, with the
// same key. What is answered with a problem is sent again if that says so.
export async function post(url, { key, body, headers = {}, patience = 30_000, attempts = 8 }) {
  for (let attempt = 1; ; attempt++) {
    const last = attempt === attempts
    let answer, text
    try {
      answer = await fetch(url, {
        method: 'POST',
        headers: { ...headers, 'Idempotency-Key': JSON.stringify(key) },
        body,
        signal: AbortSignal.timeout(patience),
      })
      text = await answer.text()
    } catch (err) {
      if (last) throw err
      await sleep(50 * 2 ** attempt * Math.random())
      continue
    }
    const problem = readProblem(answer, text)
    if (!problem?.retryable || last) return { answer, text, problem, attempts: attempt }
    await sleep(1000 * (Number(answer.headers.get('Retry-After')) || 1))
  }
}

// readProblem is the problem that an answer is, or null.
export function readProblem(answer, text) {
  if (answer.headers.get('Content-Type') !== 'application/problem+json') return null
  return JSON.parse(text)
}

// ann signs in as the caller of these scripts.
export const ann = { Authorization: `Basic ${btoa('ann:')}` }
