import { parseOptions } from '@node-rs/argon2';
import { beforeAll, describe, expect, it } from 'vitest';
import { createPasswords, type Passwords } from './passwords.ts';

const PASSWORD = 'correct horse battery staple';

describe('passwords', () => {
  let passwords: Passwords;

  beforeAll(async () => {
    passwords = await createPasswords();
  });

  it('are hashed with argon2id, a salt each and the parameters that OWASP recommends', async () => {
    const [one, other] = await Promise.all([passwords.hash(PASSWORD), passwords.hash(PASSWORD)]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(parseOptions(one)).toMatchObject({ saltLen: 16, outputLen: 32 });
    expect(one).not.toBe(other);
  });

  it('match only their own hash', async () => {
    const hash = await passwords.hash(PASSWORD);
    expect(await passwords.verify(hash, PASSWORD)).toBe(true);
    expect(await passwords.verify(hash, `${PASSWORD} `)).toBe(false);
    expect(await passwords.verify(null, PASSWORD)).toBe(false);
  });

  it('take as long to verify without a hash as with one', async () => {
    const hash = await passwords.hash(PASSWORD);
    const medianMs = async (against: string | null) => {
      const durationsMs: number[] = [];
      for (let run = 0; run < 7; run += 1) {
        const startedAtMs = performance.now();
        await passwords.verify(against, 'wrong');
        durationsMs.push(performance.now() - startedAtMs);
      }
      return durationsMs.sort((one, other) => one - other)[3] ?? 0;
    };
    expect(await medianMs(null)).toBeGreaterThan((await medianMs(hash)) / 2);
  });

  it('are refused immediately when too many are waiting', async () => {
    const busy = await createPasswords({ atOnceMax: 1, waitingMax: 2 });
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => busy.hash(PASSWORD)));
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    expect(outcomes[4]).toMatchObject({ reason: { extensions: { code: 'SERVICE_UNAVAILABLE' } } });
    expect(await busy.hash(PASSWORD)).toContain('argon2id');
  });
});
