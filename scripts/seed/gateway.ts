import { LocalError } from '../local/settings.ts';
import { DEMO_PASSWORD, type SeedEvent, type SeedUser } from './catalogue.ts';

const REQUEST_TIMEOUT_MS = 15_000;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** A client of the gateway that signs each account in once, when it is first needed. */
export type SeedGateway = ReturnType<typeof createSeedGateway>;

interface Session {
  readonly accessToken: string;
  readonly userId: string;
}

/** The refusal of an operation, or its result. */
type Refusable<Result> = Partial<Result> & { code?: string; message?: string };

/** Creates the client. Its methods throw LocalError when the gateway answers with an error or refuses the data. */
export function createSeedGateway(graphqlUrl: string) {
  const sessions = new Map<string, Promise<Session>>();

  async function send<Data>(query: string, variables: object, accessToken?: string): Promise<Data> {
    const answer = await fetch(graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(accessToken && { authorization: `Bearer ${accessToken}` }) },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const text = await answer.text();
    const { data, errors } = JSON.parse(text) as { data?: Data | null; errors?: unknown };
    if (data != null && errors === undefined) return data;
    throw new LocalError(`The gateway answered a request for the demo data with an error: ${text}`);
  }

  async function openSession(query: string, input: object): Promise<Session | undefined> {
    type Answer = { session: { accessToken?: string; user?: { id: string } } };
    const { accessToken, user } = (await send<Answer>(query, { input })).session;
    return accessToken && user ? { accessToken, userId: user.id } : undefined;
  }

  /** Signs the user in. Returns undefined when there is no such user, or when they have another password. */
  const signIn = ({ email }: SeedUser) => openSession(SIGN_IN, { email, password: DEMO_PASSWORD });

  function sessionOf(user: SeedUser): Promise<Session> {
    const session = sessions.get(user.email) ?? signIn(user).then((opened) => opened ?? refuse(user));
    sessions.set(user.email, session);
    return session;
  }

  async function sendAs<Data>(user: SeedUser, query: string, variables: object): Promise<Data> {
    return send<Data>(query, variables, (await sessionOf(user)).accessToken);
  }

  return {
    /** Registers the user unless they are there. Returns false when they are there with another password. */
    async register(user: SeedUser): Promise<boolean> {
      const { name, email } = user;
      const session = (await signIn(user)) ?? (await openSession(REGISTER, { name, email, password: DEMO_PASSWORD }));
      if (session !== undefined) sessions.set(email, Promise.resolve(session));
      return session !== undefined;
    },

    /** Returns the event of this name and organizer, if there is one. */
    async findEvent({ name, organizer }: SeedEvent) {
      type Node = { id: string; name: string; status: string; version: number; organizer: { name: string } | null };
      const { events } = await send<{ events: { nodes: Node[] } }>(FIND_EVENT, { name });
      return events.nodes.find((event) => event.name === name && event.organizer?.name === organizer.name);
    },

    /** Creates the event and returns its id. */
    async createEvent({
      name,
      description,
      venue,
      totalSeats,
      startsInMinutes,
      organizer,
    }: SeedEvent): Promise<string> {
      const midnightMs = Math.floor(Date.now() / DAY_MS) * DAY_MS;
      const startsAt = new Date(midnightMs + startsInMinutes * MINUTE_MS).toISOString();
      const input = { name, description, venue, totalSeats, startsAt };
      type Answer = { createEvent: Refusable<{ event: { id: string } }> };
      const { event, message } = (await sendAs<Answer>(organizer, CREATE_EVENT, { input })).createEvent;
      return event?.id ?? refuse(name, message);
    },

    async cancelEvent({ organizer, name }: SeedEvent, input: { id: string; expectedVersion: number }): Promise<void> {
      type Answer = { cancelEvent: Refusable<object> };
      const { code, message } = (await sendAs<Answer>(organizer, CANCEL_EVENT, { input })).cancelEvent;
      if (code !== undefined) refuse(name, message);
    },

    /** Returns the e-mails of the users with a booking of the event, cancelled or not. */
    async findBookers(admin: SeedUser, eventId: string): Promise<Set<string>> {
      type Answer = { bookings: { nodes: { user: { email: string } | null }[] } };
      const { bookings } = await sendAs<Answer>(admin, FIND_BOOKINGS, { eventId });
      return new Set(bookings.nodes.flatMap(({ user }) => (user === null ? [] : [user.email])));
    },

    /** Books seats for a user. Returns the booking's id, or undefined when the event has too few free seats. */
    async book(
      admin: SeedUser,
      input: { eventId: string; userId: string; seatCount: number },
    ): Promise<string | undefined> {
      const idempotencyKey = `seed-${input.eventId}-${input.userId}`;
      type Answer = { createBooking: Refusable<{ booking: { id: string } }> };
      const answer = await sendAs<Answer>(admin, BOOK, { input: { ...input, idempotencyKey } });
      const { booking, code, message } = answer.createBooking;
      return booking?.id ?? (code === 'SOLD_OUT' ? undefined : refuse('a booking', message));
    },

    async cancelBooking(admin: SeedUser, id: string): Promise<void> {
      type Answer = { cancelBooking: Refusable<object> };
      const { code, message } = (await sendAs<Answer>(admin, CANCEL_BOOKING, { id })).cancelBooking;
      if (code !== undefined) refuse('a cancellation', message);
    },
  };
}

function refuse(what: SeedUser | string, message?: string): never {
  if (typeof what === 'object') throw new LocalError(`${what.email} has another password than the demo accounts.`);
  throw new LocalError(`The demo data was refused: ${what}: ${message}`);
}

const SIGN_IN = /* GraphQL */ `mutation SeedSignIn($input: SignInInput!) {
  session: signIn(input: $input) { ... on Session { accessToken user { id } } }
}`;
const REGISTER = /* GraphQL */ `mutation SeedUser($input: CreateUserInput!) {
  session: createUser(input: $input) { ... on Session { accessToken user { id } } }
}`;
const FIND_EVENT = /* GraphQL */ `query SeedEvents($name: String!) {
  events(first: 100, filter: { nameContains: $name, startsAfter: "1970-01-01T00:00:00.000Z" }) {
    nodes { id name status version organizer { name } }
  }
}`;
const CREATE_EVENT = /* GraphQL */ `mutation SeedEvent($input: CreateEventInput!) {
  createEvent(input: $input) { ... on CreateEventPayload { event { id } } ... on DomainError { code message } }
}`;
const CANCEL_EVENT = /* GraphQL */ `mutation SeedCancelEvent($input: CancelEventInput!) {
  cancelEvent(input: $input) { ... on DomainError { code message } }
}`;
const FIND_BOOKINGS = /* GraphQL */ `query SeedBookings($eventId: ID!) {
  bookings(first: 100, filter: { eventId: $eventId }) { nodes { user { email } } }
}`;
const BOOK = /* GraphQL */ `mutation SeedBooking($input: CreateBookingInput!) {
  createBooking(input: $input) { ... on CreateBookingPayload { booking { id } } ... on DomainError { code message } }
}`;
const CANCEL_BOOKING = /* GraphQL */ `mutation SeedCancelBooking($id: ID!) {
  cancelBooking(input: { id: $id }) { ... on DomainError { code message } }
}`;
