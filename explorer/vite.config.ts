import { defineConfig } from 'vite';

/** Bundles the explorer into files that the gateway serves at /graphiql, so that it needs no other host. */
export default defineConfig({
  root: import.meta.dirname,
  base: '/graphiql/',
  logLevel: 'warn',
  build: {
    outDir: '../gateway/generated/explorer',
    emptyOutDir: true,
    reportCompressedSize: false,
    // The editor Monaco is one large part.
    chunkSizeWarningLimit: 10_000,
  },
});
