import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startUserSubgraph, type UserSubgraph } from '../subgraphs/user/testing.ts';
import { root } from './local/settings.ts';

describe('npm run admin', () => {
  let subgraph: UserSubgraph;
  beforeAll(async () => {
    subgraph = await startUserSubgraph();
  });
  afterAll(() => subgraph.stop());

  const admin = async (args: string[], url = subgraph.databaseUrl) =>
    promisify(execFile)(process.execPath, [join(root, 'scripts/admin.ts'), ...args], {
      env: { ...process.env, DATABASE_URL_USER: url },
      timeout: 15_000,
    }).catch((error: { code: number; stdout: string; stderr: string }) => error);
  const USERS = '{ users(first: 1) { nodes { id } } }';

  it('grants and revokes the admin role, which takes effect with the next access token', async () => {
    const { accessToken, refreshToken } = await subgraph.createUser({ email: 'grace@example.org' });
    expect(await admin(['grant', 'Grace@Example.org'])).toMatchObject({
      stdout: expect.stringContaining('role ADMIN'),
    });
    expect((await subgraph.ask(USERS, { accessToken })).errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
    const promoted = await subgraph.refresh(refreshToken);
    expect((await subgraph.ask(USERS, { accessToken: promoted.accessToken })).errors).toBeUndefined();

    expect(await admin(['revoke', 'grace@example.org'])).toMatchObject({
      stdout: expect.stringContaining('role USER'),
    });
    const demoted = await subgraph.refresh(promoted.refreshToken);
    expect((await subgraph.ask(USERS, { accessToken: demoted.accessToken })).errors).toMatchObject([
      { extensions: { code: 'FORBIDDEN' } },
    ]);
  });

  it('deletes an account, by its e-mail or id, once', async () => {
    const [one, other] = [await subgraph.createUser({ email: 'one@example.org' }), await subgraph.createUser()];
    expect(await admin(['delete', 'One@example.org'])).toMatchObject({ stdout: expect.stringContaining('is deleted') });
    expect(await admin(['delete', other.user.id])).toMatchObject({ stdout: expect.stringContaining('is deleted') });
    expect(await admin(['delete', other.user.id])).toMatchObject({ code: 1 });
    const names = await subgraph.database.user.findMany({ where: { id: { in: [one.user.id, other.user.id] } } });
    expect(names.map(({ name }) => name)).toEqual(['Deleted user', 'Deleted user']);
    const messages = await subgraph.database.outboxMessage.findMany({ where: { subject: 'user.deleted.v1' } });
    expect(messages).toHaveLength(2);
  });

  it.each([
    ['an unregistered address', ['grant', 'nobody@example.org'], 'No user is registered as nobody@example.org.'],
    ['a missing address', ['grant'], 'Usage'],
    ['an unknown command', ['promote', 'grace@example.org'], 'Usage'],
    ['an extra argument', ['grant', 'grace@example.org', 'now'], 'Usage'],
  ])('refuses %s with an explanation', async (_what, args, message) => {
    expect(await admin(args)).toMatchObject({ code: 1, stderr: expect.stringContaining(message) });
  });

  it('reports a database that cannot be reached', async () => {
    const answer = await admin(['grant', 'grace@example.org'], 'mysql://user:password@127.0.0.1:1/user_db');
    expect(answer).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be reached') });
    expect(answer.stderr).not.toContain('password');
  });
});
