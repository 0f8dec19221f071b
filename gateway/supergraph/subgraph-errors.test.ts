import { expect, test } from 'vitest';
import { placeErrors } from './subgraph-errors.ts';

const rootFetch = {
  query: 'query($id:ID!){event(id:$id){name}again:event(id:$id){venue}}',
  variables: {},
  operationName: undefined,
};
const entityFetch = {
  query:
    'query($representations:[_Any!]!){_entities(representations:$representations){...on Event{__typename availableSeats all:totalSeats}...onUser}} fragment onUser on User{bookings{nodes{id}}}',
  variables: {
    representations: [
      { __typename: 'Event', id: '1' },
      { __typename: 'User', id: '2' },
    ],
  },
  operationName: undefined,
};

test('An error with one of our codes keeps message, code, retryAfter and path', () => {
  const error = {
    message: 'Try later.',
    path: ['event', 'name'],
    extensions: { code: 'RATE_LIMITED', retryAfter: 7 },
  };
  expect(placeErrors([error], rootFetch)).toEqual([error]);
});

test.each(['GRAPHQL_VALIDATION_FAILED', 'BAD_REQUEST', 'INTERNAL_SERVER_ERROR', 'SOMETHING_ELSE', undefined])(
  'An error of a subgraph with code %s becomes INTERNAL_SERVER_ERROR',
  (code) => {
    const [error] = placeErrors([{ message: 'x', path: ['event'], extensions: { code } }], rootFetch);
    expect(error?.extensions?.code).toBe('INTERNAL_SERVER_ERROR');
  },
);

test('When a subgraph refuses the gateway, the client does not get FORBIDDEN', () => {
  const refusal = { message: 'Subgraphs answer the gateway only.', extensions: { code: 'FORBIDDEN' } };
  const codes = placeErrors([refusal], rootFetch).map(({ extensions }) => extensions?.code);
  expect(codes).toEqual(['INTERNAL_SERVER_ERROR']);
});

test('An internal error is reported once, for any number of affected fields', () => {
  const fault = { message: 'Cannot query field "x".', extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } };
  expect(placeErrors([fault], entityFetch).map(({ path }) => path)).toEqual([['_entities', 0, 'availableSeats']]);
});

test('An error without a path is placed on every root field of the fetch, under its alias', () => {
  const error = { message: 'x', extensions: { code: 'SERVICE_UNAVAILABLE' } };
  expect(placeErrors([error], rootFetch).map(({ path }) => path)).toEqual([['event'], ['again']]);
});

test('An error about all entities is placed on the fields that each entity has according to its type', () => {
  const error = { message: 'x', path: ['_entities'], extensions: { code: 'SERVICE_UNAVAILABLE' } };
  expect(placeErrors([error], entityFetch).map(({ path }) => path)).toEqual([
    ['_entities', 0, 'availableSeats'],
    ['_entities', 0, 'all'],
    ['_entities', 1, 'bookings'],
  ]);
});

test('An error about one entity keeps its path', () => {
  const error = { message: 'x', path: ['_entities', 1, 'bookings'], extensions: { code: 'FORBIDDEN' } };
  expect(placeErrors([error], entityFetch)).toEqual([error]);
});

test('A failed fetch for a long list of entities yields a bounded number of errors', () => {
  const representations = Array.from({ length: 5_000 }, () => ({ __typename: 'Event' }));
  const error = { message: 'x', extensions: { code: 'SERVICE_UNAVAILABLE' } };
  expect(placeErrors([error], { ...entityFetch, variables: { representations } })).toHaveLength(100);
});
