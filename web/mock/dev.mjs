// The mock and Vite's development server together.
import { createServer } from 'vite'
import { startMock } from './server.mjs'

const mock = await startMock({ needSession: false })
const vite = await createServer({ root: `${import.meta.dirname}/..` })
await vite.listen()
console.log(`mock ${mock.url}`)
vite.printUrls()
