import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { silentStep } from '../progress.ts';
import { deployedServers, versionsIn } from './deployed-servers.ts';

const files = (mysql: string, redis = '8.0.6-3') => [
  `mysql-server-core_${mysql}_amd64.deb`,
  'nats-server_2.15.1-1_amd64.deb',
  `redis-server_5%3a${redis}_amd64.deb`,
  'redis-tools_5%3a7.0.1-1_amd64.deb',
];

test('the versions that are deployed are told, and a later patch of the same series will do', () => {
  expect(versionsIn(files('9.7.4-2'))).toBe('MySQL 9.7.4, NATS 2.15.1, Redis 8.0.6');
  expect(versionsIn(files('9.7.5-1'))).toBe('MySQL 9.7.5, NATS 2.15.1, Redis 8.0.6');
});

test('a later series is refused: it is not what is deployed', () => {
  expect(() => versionsIn(files('9.8.0-1', '8.10.0-1'))).toThrow(
    'MySQL 9.8.0 instead of 9.7.4, Redis 8.10.0 instead of 8.0.6',
  );
  expect(() => versionsIn(files('9.7.4-2').slice(1))).toThrow('MySQL nothing instead of 9.7.4');
});

const folder = mkdtempSync(join(tmpdir(), 'ebs-fetch-'));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

test('without the network a sentence says what is fetched and why that failed, and nothing half stays', async () => {
  // Also on a machine without apt or Debian's keys, which is told so.
  vi.stubEnv('http_proxy', 'http://127.0.0.1:1');
  await expect(deployedServers(folder, silentStep, folder)).rejects.toThrow('are fetched from Debian, once; see docs/');
  expect(readdirSync(folder).filter((name) => name.includes('mysql'))).toEqual([]);
}, 30_000);
