import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createRedis } from '#platform/redis/redis.ts';
import { type Authority, createAuthority } from '../support/certificates.ts';
import { createLogLines } from '../support/log-lines.ts';
import { startRedis } from '../support/own-server.ts';

const PASSWORD = 'a-pass@word';
const WRONG = 'a-wrong-word';

describe('Redis with accounts and TLS', () => {
  let folder: string;
  let authority: Authority;
  let server: Awaited<ReturnType<typeof startRedis>>;
  const stops: (() => unknown)[] = [];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ebs-redis-'));
    authority = await createAuthority(folder, 'authority');
    const accounts = join(folder, 'accounts.acl');
    writeFileSync(
      accounts,
      `user default on >${PASSWORD} ~* &* +@all\nuser shop on >${PASSWORD} ~* &* +@all -flushall\n`,
    );
    server = await startRedis(['--aclfile', accounts], await authority.issue('127.0.0.1'));
  }, 60_000);
  afterEach(() => {
    for (const stop of stops.splice(0)) stop();
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true });
  });

  function connect(url: string, tlsCa?: string) {
    const log = createLogLines();
    const redis = createRedis({ url, tlsCa, name: 'test', logger: log.logger });
    stops.push(() => redis.disconnect());
    return { redis, log, warnings: () => log.lines.filter(({ level }) => level === 'warn') };
  }
  const whoIs = (redis: Redis) => redis.call('ACL', 'WHOAMI');
  const accountOf = (name: string, password: string) => `${name}:${encodeURIComponent(password)}`;

  it('connects with a password, and with an account of the ACL file', async () => {
    for (const [name, expected] of [
      ['', 'default'],
      ['shop', 'shop'],
    ] as const) {
      const { redis } = connect(`redis://${accountOf(name, PASSWORD)}@127.0.0.1:${server.port}`);
      await expect.poll(() => redis.status).toBe('ready');
      expect(await whoIs(redis)).toBe(expected);
    }
  });

  it('connects over TLS when the certificate is valid', async () => {
    const { redis } = connect(`rediss://${accountOf('shop', PASSWORD)}@127.0.0.1:${server.tlsPort}/3`, authority.file);
    await expect.poll(() => redis.status).toBe('ready');
    expect(await whoIs(redis)).toBe('shop');
    expect(await redis.client('INFO')).toContain('db=3');
  });

  const attempts = ({ lines }: { lines: Record<string, unknown>[] }) =>
    lines.filter(({ msg }) => /redis/i.test(String(msg))).length;

  it.each([
    ['of an untrusted authority', '127.0.0.1', undefined],
    ['for another host', 'localhost', 'the authority'],
  ])('refuses a certificate %s, and logs that once', async (_what, host, ca) => {
    const { redis, log, warnings } = connect(
      `rediss://${accountOf('', PASSWORD)}@${host}:${server.tlsPort}`,
      ca && authority.file,
    );
    await expect.poll(() => attempts(log), { timeout: 10_000 }).toBeGreaterThanOrEqual(3);
    expect(redis.status).not.toBe('ready');
    await expect(redis.get('key')).rejects.toThrow();
    expect(warnings()).toHaveLength(1);
    expect(warnings()[0]).toMatchObject({ reason: expect.stringMatching(/CERT|ALTNAME|VERIFY/) });
    expect(log.text()).not.toContain(PASSWORD);
  });

  it.each([
    ['a wrong password', accountOf('shop', WRONG), 'WRONGPASS'],
    ['no password', '', 'NOAUTH'],
  ])(
    'does not connect with %s, logs that once without the password, and connects when the account is corrected',
    async (_what, account, reason) => {
      const admin = new Redis(server.port, { password: PASSWORD });
      stops.push(() => admin.disconnect());
      const { redis, log, warnings } = connect(`redis://${account && `${account}@`}127.0.0.1:${server.port}`);
      await expect.poll(() => attempts(log), { timeout: 10_000 }).toBeGreaterThanOrEqual(4);
      expect(warnings()).toMatchObject([{ reason: expect.stringContaining(reason) }]);
      expect(log.text()).not.toContain(WRONG);
      expect(redis.status).not.toBe('ready');

      await (account ? admin.acl('SETUSER', 'shop', `>${WRONG}`) : admin.acl('SETUSER', 'default', 'nopass'));
      await expect.poll(() => redis.status, { timeout: 5_000 }).toBe('ready');
      expect(await redis.set('key', 'value')).toBe('OK');
      await admin.acl('SETUSER', 'default', 'resetpass', `>${PASSWORD}`);
    },
  );

  it('S12: the logger removes the password from the error of a refused log-in', async () => {
    const { redis, log } = connect(`redis://${accountOf('shop', WRONG + 1)}@127.0.0.1:${server.port}`);
    const [error] = await once(redis, 'error');
    expect(JSON.stringify(error)).toContain(WRONG);
    log.logger.error({ err: error }, 'the log-in was refused');
    expect(log.text()).toContain('the log-in was refused');
    expect(log.text()).not.toContain(WRONG);
  });
});
