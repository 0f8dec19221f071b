import type { ServerSpec } from './server.ts';

/** Redis as a cache: it writes nothing to disk and evicts the least recently used entries. */
export function redis(port: number): ServerSpec {
  return {
    name: 'redis',
    title: 'Redis',
    programs: ['redis-server'],
    port,
    args: [
      ...['--port', String(port), '--bind', '127.0.0.1', '--daemonize', 'no'],
      // Each test system uses its own database.
      ...['--databases', '1024'],
      ...['--save', '', '--appendonly', 'no'],
      ...['--maxmemory', '256mb', '--maxmemory-policy', 'allkeys-lru'],
    ],
    greeting: { send: 'PING\r\n', expect: /^\+PONG/ },
    stopGraceMs: 5_000,
    prepare: () => undefined,
  };
}
