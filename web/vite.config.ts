import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

// In development the API is the mock or, with WHODID_URL, a real server.
const server = process.env.WHODID_URL ?? 'http://127.0.0.1:5180'

export default defineConfig({
  plugins: [react()],
  build: {
    target: ['chrome125', 'firefox128', 'safari18'],
    // The content security policy allows no data: fonts, styles or scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    emptyOutDir: true,
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        // What several pages share comes in few files: browsers ask a server without HTTP/2 for six at a time.
        codeSplitting: {
          groups: [
            { name: 'icons', test: /lucide-react/, minShareCount: 2 },
            { name: 'shared', test: /src[\\/](api|audit|query|session|ui)[\\/]/, minShareCount: 3 },
          ],
        },
      },
    },
  },
  server: {
    host: '127.0.0.1',
    port: 5173,
    proxy: Object.fromEntries(['/api', '/findings/v1', '/health', '/openapi.json'].map((path) => [path, { target: server }])),
  },
  // What needs a page says so in its first line: to make one takes longer than most tests.
  test: { environment: 'node', include: ['src/**/*.test.{ts,tsx}'] },
})
