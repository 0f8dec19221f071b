import type { ServerSpec } from './server.ts';

/** Redis as a cache: nothing on disk, the least recently used entries make room. */
export function redis(port: number): ServerSpec {
  return {
    name: 'redis',
    title: 'Redis',
    programs: ['redis-server'],
    port,
    args: [
      ...['--port', String(port), '--bind', '127.0.0.1', '--daemonize', 'no'],
      // Enough for every test system to have one of its own.
      ...['--databases', '1024'],
      ...['--save', '', '--appendonly', 'no'],
      ...['--maxmemory', '256mb', '--maxmemory-policy', 'allkeys-lru'],
    ],
    greeting: { send: 'PING\r\n', expect: /^\+PONG/ },
    stopGraceMs: 5_000,
    prepare: () => undefined,
  };
}
