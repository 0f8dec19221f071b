import { LocalError } from './local/settings.ts';

export const DEMO_USER = { name: 'Demo User', email: 'demo@example.com', password: 'demo-password-123' };

const REQUEST_TIMEOUT_MS = 15_000;
const DAY_MS = 86_400_000;
const DOORS_MS = 19.5 * 3_600_000;

const DEMO_EVENTS = [
  { name: 'Last Table at the Lighthouse', venue: 'The Lighthouse', inDays: 7, totalSeats: 2 },
  { name: 'Chamber Music at the Old Mill', venue: 'The Old Mill, Great Hall', inDays: 14, totalSeats: 120 },
  { name: 'TypeScript Without a Build Step', venue: 'Riverside Campus, Room 2', inDays: 21, totalSeats: 40 },
  { name: 'City Marathon', venue: 'Market Square', inDays: 45, totalSeats: 5_000 },
  { name: 'Open-Air Cinema: Metropolis', venue: 'Botanical Garden', inDays: 60, totalSeats: 300 },
];

interface Session {
  accessToken: string;
  user: { id: string };
}

/**
 * Creates the demo user and their events through the gateway. It does not change existing data, so the next run
 * completes an interrupted one. Returns the outcome in a few words.
 * @throws LocalError when the gateway answers with an error
 */
export async function seed(graphqlUrl: string): Promise<string> {
  const { email, password } = DEMO_USER;
  const session =
    (await openSession(graphqlUrl, SIGN_IN, { email, password })) ??
    (await openSession(graphqlUrl, REGISTER, DEMO_USER));
  if (session === undefined) return `not created, because ${DEMO_USER.email} has another password`;
  const created = await Promise.all(DEMO_EVENTS.map((event) => createUnlessThere(graphqlUrl, session, event)));
  return created.some(Boolean) ? 'created' : 'already there';
}

const SIGN_IN = /* GraphQL */ `mutation SeedSignIn($input: SignInInput!) {
  session: signIn(input: $input) { ... on Session { accessToken user { id } } }
}`;
const REGISTER = /* GraphQL */ `mutation SeedUser($input: CreateUserInput!) {
  session: createUser(input: $input) { ... on Session { accessToken user { id } } }
}`;

async function openSession(graphqlUrl: string, query: string, input: object): Promise<Session | undefined> {
  const { session } = await request<{ session: Partial<Session> }>(graphqlUrl, { query, variables: { input } });
  const { accessToken, user } = session;
  return accessToken && user ? { accessToken, user } : undefined;
}

async function createUnlessThere(
  graphqlUrl: string,
  { accessToken, user }: Session,
  { inDays, ...event }: (typeof DEMO_EVENTS)[number],
): Promise<boolean> {
  const { events } = await request<{ events: { nodes: { name: string; organizer: { id: string } | null }[] } }>(
    graphqlUrl,
    {
      query: /* GraphQL */ `query SeedEvents($name: String!) {
        events(first: 100, filter: { nameContains: $name, startsAfter: "1970-01-01T00:00:00.000Z" }) { nodes { name organizer { id } } }
      }`,
      variables: { name: event.name },
      accessToken,
    },
  );
  if (events.nodes.some(({ name, organizer }) => name === event.name && organizer?.id === user.id)) return false;
  const midnightMs = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const startsAt = new Date(midnightMs + inDays * DAY_MS + DOORS_MS).toISOString();
  const { createEvent } = await request<{ createEvent: { message?: string } }>(graphqlUrl, {
    query: /* GraphQL */ `mutation SeedEvent($input: CreateEventInput!) {
      createEvent(input: $input) { ... on InvalidInputError { message } }
    }`,
    variables: { input: { ...event, startsAt } },
    accessToken,
  });
  if (createEvent.message !== undefined) throw new LocalError(`A demo event was refused: ${createEvent.message}`);
  return true;
}

async function request<Data>(
  graphqlUrl: string,
  { accessToken, ...operation }: { query: string; variables: Record<string, unknown>; accessToken?: string },
): Promise<Data> {
  const answer = await fetch(graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(accessToken && { authorization: `Bearer ${accessToken}` }) },
    body: JSON.stringify(operation),
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  const text = await answer.text();
  const { data, errors } = JSON.parse(text) as { data?: Data | null; errors?: unknown };
  if (data == null || errors !== undefined) {
    throw new LocalError(`The gateway answered a request for the demo data with an error: ${text}`);
  }
  return data;
}
