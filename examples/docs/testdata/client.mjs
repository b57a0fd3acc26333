// send repeats a request until its answer is final. All attempts have one key,
// so that what is done is done once, however many of them arrive.
export async function send(url, options, attempts = 5) {
  const headers = new Headers(options.headers)
  if (!headers.has('Idempotency-Key')) headers.set('Idempotency-Key', `"${crypto.randomUUID()}"`)
  for (let attempt = 1; ; attempt++) {
    let wait = Math.random() * 2 ** attempt * 100 // milliseconds
    try {
      const answer = await fetch(url, { ...options, headers })
      if (attempt === attempts || !(await retryable(answer))) return answer
      wait += 1000 * Number(answer.headers.get('Retry-After') ?? 1)
    } catch (failure) {
      if (attempt === attempts) throw failure // nobody knows whether it was done: keep the key, and ask again later
    }
    await new Promise((done) => setTimeout(done, wait))
  }
}

// retryable tells whether the same request can succeed later.
async function retryable(answer) {
  if (answer.headers.get('Content-Type') !== 'application/problem+json') return answer.status === 429
  return (await answer.clone().json()).retryable
}

// update reads, changes and writes, and does so again if somebody else was faster.
export async function update(url, options, change, attempts = 5) {
  for (let attempt = 1; ; attempt++) {
    const read = await fetch(url, options)
    if (!read.ok) return read
    const headers = new Headers(options.headers)
    headers.set('If-Match', read.headers.get('ETag'))
    const answer = await send(url, { ...options, method: 'PUT', headers, body: change(await read.text()) })
    if (answer.status !== 412 || attempt === attempts) return answer
  }
}
