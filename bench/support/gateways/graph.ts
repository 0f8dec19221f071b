import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { LocalError } from '#scripts/local/settings.ts';
import { eachOf } from '#services';

/** The subgraphs of the benchmark's graph: a small part of ours, in Federation 1, which all gateways support. */
export const GRAPH = ['user', 'event', 'booking'] as const;
export type GraphName = (typeof GRAPH)[number];

export const SCHEMAS: Record<GraphName, string> = {
  user: `
    extend type Query { user(id: ID!): User }
    type User @key(fields: "id") { id: ID! name: String! }`,
  event: `
    extend type Query { event(id: ID!): Event events(first: Int!, after: Int!): [Event!]! }
    type Event @key(fields: "id") {
      id: ID! name: String! venue: String! startsAt: String! status: String! organizer: User!
    }
    extend type User @key(fields: "id") { id: ID! @external }`,
  booking: `
    extend type Query { booking(id: ID!): Booking }
    extend type Mutation { createBooking(input: CreateBookingInput!): Booking! }
    input CreateBookingInput { eventId: ID! seatCount: Int! idempotencyKey: String! }
    type Booking { id: ID! status: String! seatCount: Int! }
    extend type Event @key(fields: "id") { id: ID! @external totalSeats: Int! availableSeats: Int! }`,
};

/** Composes and returns the supergraph for subgraphs on these ports. @throws LocalError when composition fails */
export function composeGraph(ports: Record<GraphName, number>): string {
  const { errors, supergraphSdl } = composeServices(
    GRAPH.map((name) => ({ name, typeDefs: parse(SCHEMAS[name]), url: subgraphUrls(ports)[name] })),
  );
  if (errors !== undefined) throw new LocalError(`The benchmark's graph does not compose: ${errors.join(', ')}`);
  return supergraphSdl;
}

export const subgraphUrls = (ports: Record<GraphName, number>): Record<GraphName, string> =>
  eachOf(GRAPH, (name) => `http://127.0.0.1:${ports[name]}/graphql`);

/** Many events, so that requests in flight are rarely equal. Some gateways send equal requests only once. */
const EVENTS = 1_000;
const PAGE_SIZE = 20;

const idOf = (kind: string, number: number) => `${kind}-${String(number % EVENTS).padStart(8, '0')}`;
const numberOf = (id: string) => Number(id.slice(-8));

/** The data behind the graph, derived from the ids. */
export const user = (id: string) => ({ id, name: `User ${numberOf(id)}` });

export const event = (id: string) => ({
  id,
  name: `Concert ${numberOf(id)}`,
  venue: 'The Old Mill',
  startsAt: '2030-06-01T19:30:00.000Z',
  status: 'SCHEDULED',
  organizer: { id: idOf('user', numberOf(id) * 7) },
});

export const eventsAfter = (first: number, after: number) =>
  Array.from({ length: first }, (_, index) => event(idOf('event', after + index)));

export const seats = (id: string) => ({ totalSeats: 1_000, availableSeats: numberOf(id) });

export const booking = ({ eventId, seatCount }: { eventId: string; seatCount: number }) => ({
  id: `booking-of-${eventId}`,
  status: 'CONFIRMED',
  seatCount,
});

/** One operation with its variables, and the data that every gateway must return. */
export interface Question {
  readonly body: { query: string; variables: Record<string, unknown> };
  readonly expected: Record<string, unknown>;
}

/** The operations of the benchmark, each for an event by its number. */
export const OPERATIONS: Record<string, (number: number) => Question> = {
  'a mutation at one subgraph': (number) => {
    const input = { eventId: idOf('event', number), seatCount: 2, idempotencyKey: idOf('key', number) };
    return {
      body: {
        query: `mutation Book($input: CreateBookingInput!) { createBooking(input: $input) { id status seatCount } }`,
        variables: { input },
      },
      expected: { createBooking: booking(input) },
    };
  },
  'a page over three subgraphs': (number) => {
    const { id, organizer, ...facts } = event(idOf('event', number));
    const { name } = user(organizer.id);
    return {
      body: {
        query: `query Page($id: ID!) {
          event(id: $id) { id name venue startsAt status totalSeats availableSeats organizer { name } }
        }`,
        variables: { id },
      },
      expected: { event: { id, ...facts, ...seats(id), organizer: { name } } },
    };
  },
  'a list of 20 over two subgraphs': (number) => ({
    body: {
      query: `query List($first: Int!, $after: Int!) {
        events(first: $first, after: $after) { id name startsAt totalSeats availableSeats }
      }`,
      variables: { first: PAGE_SIZE, after: number % EVENTS },
    },
    expected: {
      events: eventsAfter(PAGE_SIZE, number % EVENTS).map(({ id, name, startsAt }) => ({
        id,
        name,
        startsAt,
        ...seats(id),
      })),
    },
  }),
};
