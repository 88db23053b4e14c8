// A server of a journey's own, for what the common one is not set up for.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { until } from './steps.mjs'

const START_MS_MAX = 30_000
/** Not the kind that waits: another lane of journeys is walked at the same time. */
const run = promisify(execFile)

const binary = () => process.env.WHODID_JOURNEY_BINARY ?? ''

/** Why there is no server to try it with. */
export function skip() {
  if (binary() === '') return 'WHODID_JOURNEY_BINARY names no whodid binary'
  return existsSync(binary()) ? undefined : `${binary()} is not there`
}

export async function freePort() {
  const server = createServer()
  await new Promise((resolve, reject) => { server.once('error', reject).listen(0, '127.0.0.1', resolve) })
  const { port } = server.address()
  await new Promise((resolve) => { server.close(resolve) })
  return port
}

/** Starts a server on `port` with these settings, walks, and ends it. `walk` gets its address, a sign-in link and a key. */
export async function withServer(port, settings, walk) {
  const folder = mkdtempSync(join(tmpdir(), 'whodid-journey-'))
  const [data, log] = [join(folder, 'data'), join(folder, 'log')]
  const url = `http://127.0.0.1:${port}`
  // The binary refuses variables that it does not know, such as ours.
  const plain = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('WHODID_')))
  const env = { ...plain, WHODID_PUBLIC_URL: url, ...settings }
  let server
  const end = () => server?.kill('SIGKILL')
  process.once('exit', end)
  try {
    const { stdout } = await run(binary(), ['init', '--output', 'json', '--data', data], { env: plain })
    const { admin_link: link, ingestion_key: key } = JSON.parse(stdout)
    const out = openSync(log, 'a')
    server = spawn(binary(), ['serve', '--listen', `127.0.0.1:${port}`, '--data', data], { env, stdio: ['ignore', out, out] })
    await until('the server is ready', () => fetch(`${url}/health/ready`).then(({ ok }) => ok, () => false), (ok) => ok || server.exitCode !== null, START_MS_MAX)
    assert.equal(server.exitCode, null, 'the server ended')
    await walk({ url, link: url + link.slice(link.indexOf('/sign-in')), key })
  } catch (error) {
    // With the failure, not on its own: another lane may print at the same time.
    if (existsSync(log)) error.stack = `${error.stack}\nthe server's last words:\n${readFileSync(log, 'utf8').trim().split('\n').slice(-12).join('\n')}`
    throw error
  } finally {
    process.off('exit', end)
    end()
    rmSync(folder, { recursive: true, force: true })
  }
}
