import { buildSchema } from 'graphql';
import { expect, test } from 'vitest';
import { asksForPublicFields, readPublicFields } from './public-fields.ts';

const TAG = '@federation__tag(name: "public")';
const SDL = `
  directive @federation__tag(name: String!) repeatable on FIELD_DEFINITION
  type Query { event: Event }
  type Event { id: ID! ${TAG} name: String ${TAG} secret: String @federation__tag(name: "other") organizer: User ${TAG} owner: User }
  type User implements Named { name: String ${TAG} email: String }
  interface Named { name: String ${TAG} }`;
const served = { schema: buildSchema(SDL), publicFields: readPublicFields(SDL) };
const isPublic = (entity: string) =>
  asksForPublicFields(
    `query Page($representations:[_Any!]!){_entities(representations:$representations){${entity}}}`,
    served,
  );

test('The public fields of a supergraph are those with the tag', () => {
  expect([...served.publicFields]).toEqual(['Event.id', 'Event.name', 'Event.organizer', 'User.name']);
});

test.each([
  '...on Event{name}',
  '...on Event{__typename id organizer{name}}',
  '...on Event{label:name}...on User{__typename name}',
  '...on Event{name @include(if:true) ...on Event{id}}',
])('A fetch of %s is public', (entity) => expect(isPublic(entity)).toBe(true));

test.each([
  '...on Event{name secret}',
  '...on Event{organizer{name email}}',
  '...on Event{owner{name}}',
  '...on Event{name:secret}',
  '...on Event{name}...on User{email}',
  '...on Event{...on Event{secret}}',
  '...on Named{name}',
  '...on Unknown{name}',
  '...on Event{unknown}',
  'name',
])('A fetch of %s is not public', (entity) => expect(isPublic(entity)).toBe(false));

test.each(['{event{name}}', '{_entities{...on Event{name}} event{name}}', 'mutation{_entities{...on Event{name}} b}'])(
  'The operation %s is not public',
  (query) => expect(asksForPublicFields(query, served)).toBe(false),
);

test('An operation with a named fragment is not public', () => {
  const query = '{_entities{...Facts}} fragment Facts on Event{name}';
  expect(asksForPublicFields(query, served)).toBe(false);
});
