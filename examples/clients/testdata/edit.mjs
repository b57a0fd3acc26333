// Two editors read one note, and both save it: node edit.mjs URL

import { readProblem } from './keyed.mjs'

const url = process.argv[2]

const read = async () => {
  const answer = await fetch(url)
  return { tag: answer.headers.get('ETag'), text: await answer.text() }
}
const save = async (text, headers) => {
  const answer = await fetch(url, { method: 'PUT', body: text, headers })
  return { status: answer.status, problem: readProblem(answer, await answer.text()) }
}

const ann = await read()
const bob = await read()
const results = {
  ann: await save(`${ann.text} Buy bread.`, { 'If-Match': ann.tag }),
  bob: await save(`${bob.text} Buy tea.`, { 'If-Match': bob.tag }),
  unseen: await save('Buy nothing.', {}),
}
const now = await read() // Bob looks again, and puts his change into what is there
results.current = now.tag
results.merged = await save(`${now.text} Buy tea.`, { 'If-Match': now.tag })
results.text = (await read()).text
console.log(JSON.stringify(results))
