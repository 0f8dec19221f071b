import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import files from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import type { Logger } from '#platform/process/logger.ts';

const BUILD_FOLDER = fileURLToPath(new URL('../../examples/box-office/dist', import.meta.url));

/** Scripts, styles, fonts and requests of this gateway only. The page has no inline scripts and no inline styles. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  ...['script-src', 'style-src', 'font-src', 'img-src', 'connect-src'].map((directive) => `${directive} 'self'`),
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** The names of assets contain a hash of their content. A page names its assets, so browsers must ask for it again. */
const ASSET_CACHING = 'public, max-age=31536000, immutable';
const PAGE_CACHING = 'no-cache';

/**
 * Serves the box office: its assets, and its page at every path that no other route takes, if the client navigates. The
 * page reads its path and shows the right content.
 */
export async function serveBoxOffice({
  http,
  logger,
  folder = BUILD_FOLDER,
}: {
  http: FastifyInstance;
  logger: Pick<Logger, 'warn'>;
  folder?: string;
}): Promise<void> {
  const page = join(folder, 'index.html');
  if (!existsSync(page)) {
    logger.warn('the box office is not built, so it is not served; node scripts/box-office.ts builds it');
    return;
  }
  await http.register(async (scope) => {
    // Runs after the hook of the server, which forbids caching.
    scope.addHook('onSend', async ({ url }, reply) => {
      if (reply.statusCode < 400)
        reply.header('cache-control', url.startsWith('/assets/') ? ASSET_CACHING : PAGE_CACHING);
    });
    await scope.register(files, {
      root: join(folder, 'assets'),
      prefix: '/assets/',
      cacheControl: false,
      preCompressed: true,
      index: false,
    });
    scope.get('/*', async ({ headers }, reply) => {
      if (!headers.accept?.includes('text/html')) return reply.callNotFound();
      const content = await readFile(page);
      // Not from the time and the size of the file: they are the same for all builds of a reproducible image.
      const etag = `"${createHash('sha256').update(content).digest('base64url')}"`;
      reply.headers({ etag, 'content-security-policy': CONTENT_SECURITY_POLICY });
      return headers['if-none-match']?.includes(etag) ? reply.code(304).send() : reply.type('text/html').send(content);
    });
  });
}
