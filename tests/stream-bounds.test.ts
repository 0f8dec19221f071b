import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { expect, it } from 'vitest';
import { deadLetterStream } from '#platform/messaging/broker.ts';
import { CONTRACTS } from '#scripts/messages.ts';

const STREAMS = [deadLetterStream, ...Object.values(CONTRACTS).map(({ stream }) => stream)];
const UNITS: Readonly<Record<string, number>> = { MB: 2 ** 20, GB: 2 ** 30 };

const settingsIn = (...files: string[]): NodeJS.Dict<string> =>
  Object.assign({}, ...files.map((file) => parseEnv(readFileSync(file, 'utf8'))));

/** Returns the disk space that a broker's configuration allows for all streams, in bytes. */
function bytesOf(file: string): number {
  const [, count, unit = ''] = /max_file_store: (\d+)(MB|GB)/.exec(readFileSync(file, 'utf8')) ?? [];
  return Number(count) * (UNITS[unit] ?? Number.NaN);
}

it.each([
  ['docker compose', 'scripts/containers/nats.conf', ['.env.example']],
  ['minikube', 'k8s/overlays/minikube/nats.conf', ['k8s/base/config.env', 'k8s/overlays/minikube/config.env']],
])('the streams of %s use at most nine tenths of the disk space of the broker', (_where, broker, files) => {
  const settings = settingsIn(...files);
  const sum = STREAMS.reduce((bytes, { name }) => bytes + Number(settings[`${name}_STREAM_BYTES_MAX`]), 0);
  expect(sum).toBeGreaterThan(0);
  expect(sum).toBeLessThanOrEqual(0.9 * bytesOf(broker));
});
