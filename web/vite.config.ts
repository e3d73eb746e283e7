// Builds the console into a handful of files with fixed names (the server embeds them and
// revalidates by ETag) and, for `npm run dev`, passes the API on to a running server.
import { defineConfig } from 'vitest/config';

const server = process.env['GALEN_URL'] ?? 'http://127.0.0.1:5000';

export default defineConfig({
  base: './', // every page lives at the same depth: the console works below any path prefix
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // the CSP has no data: addresses
    cssCodeSplit: false,
    modulePreload: false,
    reportCompressedSize: false,
    emptyOutDir: true,
    rollupOptions: {
      output: {
        entryFileNames: 'app.js',
        chunkFileNames: '[name].js',
        assetFileNames: 'app[extname]',
      },
    },
  },
  server: {
    proxy: {
      '/api': server,
      '/live': { target: server, ws: true },
    },
  },
  test: { include: ['test/*.test.ts'] },
});
