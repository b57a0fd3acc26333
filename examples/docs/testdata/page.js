// What a page of another origin does with the API, and tells the test of.
const authorization = 'Basic ' + btoa('ann:')
const ask = async (method, fields) => {
  try {
    const answer = await fetch(api + '/notes/1', { method, headers: { Authorization: authorization, ...fields } })
    const read = readable.filter((name) => answer.headers.get(name) !== null)
    return [method, answer.status, ...read].join(' ')
  } catch {
    return method + ' no answer'
  }
}
const everything = Object.fromEntries(allowed.map((name) => [name, name === 'Idempotency-Key' ? '"2"' : 'x']))
;(async () => {
  const lines = [
    await ask('GET', {}),
    await ask('PUT', { 'If-Match': '"stale"' }),
    await ask('POST', { 'Idempotency-Key': '"1"' }),
    await ask('POST', { 'Idempotency-Key': '"1"' }),
    await ask('LOCK', { Timeout: 'Second-60' }),
    await ask('PATCH', everything),
  ]
  await fetch('/said', { method: 'POST', body: lines.join('\n') })
})()
