import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PASSWORD, type SessionAnswer, startUserSubgraph, type UserSubgraph } from '../testing.ts';

interface UsersPage {
  users: { nodes: { id: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
}

describe('reading users', () => {
  let subgraph: UserSubgraph;
  let ada: SessionAnswer;
  let bob: SessionAnswer;
  let admin: SessionAnswer;
  beforeAll(async () => {
    subgraph = await startUserSubgraph();
    ada = await subgraph.createUser({ name: 'Ada', email: 'ada@example.org' });
    bob = await subgraph.createUser({ name: 'Bob', email: 'bob@example.org' });
    admin = await subgraph.createAdmin();
  });
  afterAll(() => subgraph.stop());

  const as = (reader: SessionAnswer | null) => (reader === null ? {} : { accessToken: reader.accessToken });

  it('returns the signed-in user as me, and null without a token', async () => {
    expect((await subgraph.ask('{ me { name } }', as(ada))).data).toEqual({ me: { name: 'Ada' } });
    expect(await subgraph.ask('{ me { name } }')).toEqual({ data: { me: null } });
  });

  it('shows a user to themselves and to admins, and returns null to everyone else', async () => {
    const read = async (reader: SessionAnswer | null, id = ada.user.id) => {
      const query = 'query ($id: ID!) { user(id: $id) { name email } }';
      return subgraph.ask(query, { ...as(reader), variables: { id } });
    };
    const shown = { data: { user: { name: 'Ada', email: 'ada@example.org' } } };
    expect(await read(ada)).toEqual(shown);
    expect(await read(admin)).toEqual(shown);
    expect(await read(bob)).toEqual({ data: { user: null } });
    expect(await read(null)).toEqual({ data: { user: null } });
    expect(await read(admin, newId())).toEqual({ data: { user: null } });
    expect(await read(admin, 'no id at all')).toEqual({ data: { user: null } });
  });

  describe('by reference', () => {
    const entities = (ids: string[], reader: SessionAnswer | null) =>
      subgraph.ask<{ _entities: ({ name: string; email: string | null } | null)[] }>(
        'query ($refs: [_Any!]!) { _entities(representations: $refs) { ... on User { name email } } }',
        { ...as(reader), variables: { refs: ids.map((id) => ({ __typename: 'User', id })) } },
      );

    it('shows the name to every reader, and the e-mail only to the user and to admins', async () => {
      const ids = [ada.user.id, bob.user.id];
      const names = [
        { name: 'Ada', email: null },
        { name: 'Bob', email: null },
      ];
      expect((await entities(ids, null)).data._entities).toEqual(names);
      expect((await entities(ids, ada)).data._entities).toEqual([{ name: 'Ada', email: 'ada@example.org' }, names[1]]);
      expect((await entities(ids, admin)).data._entities).toEqual([
        { name: 'Ada', email: 'ada@example.org' },
        { name: 'Bob', email: 'bob@example.org' },
      ]);
    });

    it('returns null for an unknown user and for a malformed id', async () => {
      const answer = await entities([newId(), 'DROP TABLE users', ada.user.id], null);
      expect(answer).toEqual({ data: { _entities: [null, null, { name: 'Ada', email: null }] } });
    });

    it('loads any number of users with one statement, including duplicates', async () => {
      const query = vi.spyOn(subgraph.sql, '$queryRaw');
      const ids = [ada, bob, admin, ada, bob].map(({ user }) => user.id);
      const { data } = await entities(ids, null);
      expect(data._entities.map((user) => user?.name)).toEqual(['Ada', 'Bob', 'Ada', 'Ada', 'Bob']);
      expect(query).toHaveBeenCalledTimes(1);
      query.mockRestore();
    });
  });

  it('shows the e-mail in the response that opens the session, but not in a later anonymous request', async () => {
    const { data } = await subgraph.ask(
      `mutation ($input: SignInInput!) { signIn(input: $input) { ... on Session { user { email } } } }`,
      { variables: { input: { email: 'ada@example.org', password: PASSWORD } } },
    );
    expect(data).toEqual({ signIn: { user: { email: 'ada@example.org' } } });
    const { data: later } = await subgraph.ask('query ($id: ID!) { user(id: $id) { email } }', {
      variables: { id: ada.user.id },
    });
    expect(later).toEqual({ user: null });
  });

  describe('as a list', () => {
    const page = (variables: Record<string, unknown>, reader: SessionAnswer | null = admin) =>
      subgraph.ask<UsersPage>(
        `query ($first: Int, $after: String) { users(first: $first, after: $after) {
          nodes { id } edges { cursor node { email } } pageInfo { hasNextPage endCursor } } }`,
        { ...as(reader), variables },
      );

    it.each([
      ['UNAUTHENTICATED', () => null],
      ['FORBIDDEN', () => ada],
    ])('is refused with %s for everyone except admins', async (code, reader) => {
      expect(await page({}, reader())).toMatchObject({ errors: [{ extensions: { code } }] });
    });

    it.each([{ first: 0 }, { first: -1 }, { first: 101 }, { after: 'garbage' }, { after: 'WyJ4Il0' }])(
      'is refused for %j',
      async (variables) => {
        expect(await page(variables)).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
      },
    );

    it('returns each existing user exactly once, newest first, while others register', async () => {
      const insert = (count: number) =>
        subgraph.database.user.createMany({
          data: Array.from({ length: count }, () => newId()).map((id) => ({
            id,
            name: 'Crowd',
            email: `${id}@example.org`,
            passwordHash: 'none',
          })),
        });
      await insert(150);
      const old = await subgraph.database.user.findMany({ select: { id: true }, orderBy: { id: 'desc' } });

      const seen: string[] = [];
      let after: string | null = null;
      do {
        const { data }: { data: UsersPage } = await page({ first: 37, after });
        seen.push(...data.users.nodes.map(({ id }) => id));
        after = data.users.pageInfo.hasNextPage ? data.users.pageInfo.endCursor : null;
        await insert(10);
      } while (after !== null);
      expect(seen).toEqual(old.map(({ id }) => id));
    });
  });
});
