import { describe, expect, it } from 'vitest';
import { connectionOf, idKey, pageOf } from './pagination.ts';

const ID = '019aaaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee';
const keyOf = (id: string) => [id] as const;
const same = (id: string) => id;

describe('a page of a list', () => {
  it('has 20 rows by default, also when `first` is null', () => {
    expect(pageOf({}, idKey)).toEqual({ limit: 20, after: undefined });
    expect(pageOf({ first: null, after: null }, idKey)).toEqual({ limit: 20, after: undefined });
  });

  it.each([0, -1, 101, 2 ** 31 - 1])('refuses first: %i', (first) => {
    expect(() => pageOf({ first }, idKey)).toThrow(expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT' } }));
  });

  it('begins after the last row of the previous page', () => {
    const { pageInfo } = connectionOf([ID], { limit: 1, after: undefined }, keyOf, same);
    expect(pageOf({ after: pageInfo.endCursor }, idKey).after).toEqual([ID]);
  });

  it.each(['', 'nonsense', '%%%', Buffer.from('{}').toString('base64url'), Buffer.from('["x"]').toString('base64url')])(
    'refuses the broken cursor "%s"',
    (after) => {
      const refusal = expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT' } });
      expect(() => pageOf({ after }, idKey)).toThrow(refusal);
    },
  );
});

describe('a connection', () => {
  it('hides the additional row and reports a next page', () => {
    const connection = connectionOf(['a', 'b', 'c'], { limit: 2, after: undefined }, keyOf, same);
    expect(connection.nodes).toEqual(['a', 'b']);
    expect(connection.edges.map(({ node }) => node)).toEqual(['a', 'b']);
    expect(connection.pageInfo).toEqual({ hasNextPage: true, endCursor: connection.edges[1]?.cursor });
  });

  it('has no cursor and no next page when it is empty', () => {
    const connection = connectionOf([], { limit: 2, after: undefined }, keyOf, same);
    expect(connection.pageInfo).toEqual({ hasNextPage: false, endCursor: null });
  });
});
