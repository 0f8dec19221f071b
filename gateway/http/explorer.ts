import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import serveFiles from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** The bundle of the folder explorer. `npm run generate` creates it. */
const FOLDER = fileURLToPath(new URL('../generated/explorer/', import.meta.url));

/**
 * Allows the page to load files from this gateway and to connect to it, and nothing else. The editor needs inline styles
 * and small images and fonts in data URLs.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "connect-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self' data:",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Serves GET /graphiql: a GraphQL explorer that works without internet access. */
export async function serveExplorer(http: FastifyInstance): Promise<void> {
  await http.register(serveFiles, { root: join(FOLDER, 'assets'), prefix: '/graphiql/assets/', index: false });
  const page = await readFile(join(FOLDER, 'index.html'), 'utf8');
  http.get('/graphiql', (_request, reply) =>
    reply.type('text/html').header('content-security-policy', CONTENT_SECURITY_POLICY).send(page),
  );
}
