// Reads a note, and again with its tag, in each cache mode: node read.mjs URL

const url = process.argv[2]
const modes = ['default', 'no-store', 'reload', 'no-cache', 'force-cache']

const read = async (options) => {
  const answer = await fetch(url, options)
  return { status: answer.status, tag: answer.headers.get('ETag'), text: await answer.text() }
}

const first = await read({})
const plain = {}
const conditional = {}
for (const cache of modes) {
  plain[cache] = await read({ cache })
  conditional[cache] = await read({ cache, headers: { 'If-None-Match': first.tag } })
}
console.log(JSON.stringify({ first, plain, conditional }))
