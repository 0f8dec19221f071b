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

test('the deployed versions are reported, and a later patch of the same series is accepted', () => {
  expect(versionsIn(files('9.7.4-2'))).toBe('MySQL 9.7.4, NATS 2.15.1, Redis 8.0.6');
  expect(versionsIn(files('9.7.5-1'))).toBe('MySQL 9.7.5, NATS 2.15.1, Redis 8.0.6');
});

test('a later series is refused because it is not deployed', () => {
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

test('without a network the error says what could not be fetched and why, and no incomplete folder remains', async () => {
  // On a machine without apt or Debian's keys, the error begins with the same sentence.
  vi.stubEnv('http_proxy', 'http://127.0.0.1:1');
  await expect(deployedServers(folder, silentStep, folder)).rejects.toThrow('from Debian once. See docs/');
  expect(readdirSync(folder).filter((name) => name.includes('mysql'))).toEqual([]);
}, 30_000);
