import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerSpec } from './server.ts';

const RESERVED_BYTES_MAX = 2 ** 40;

/** NATS with JetStream. It keeps its streams on disk. */
export function nats(port: number, dataDir: string): ServerSpec {
  const folder = join(dataDir, 'nats');
  const file = join(folder, 'nats.conf');
  const settings = {
    host: '127.0.0.1',
    port,
    max_payload: 2 * 2 ** 20,
    // Each stream reserves its maximum size. In tests, one server holds the streams of many systems, mostly empty.
    jetstream: { store_dir: join(folder, 'jetstream'), max_file_store: RESERVED_BYTES_MAX },
  };
  return {
    name: 'nats',
    title: 'NATS JetStream',
    programs: ['nats-server'],
    port,
    args: ['--config', file],
    greeting: { expect: /^INFO .*"jetstream":true/ },
    stopGraceMs: 10_000,
    prepare() {
      mkdirSync(folder, { recursive: true });
      // NATS accepts JSON as its configuration format.
      writeFileSync(file, JSON.stringify(settings, null, 2));
    },
  };
}
