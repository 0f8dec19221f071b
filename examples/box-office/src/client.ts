import { QueryClient, useQuery } from '@tanstack/react-query';
import { createClient } from '#client/client.ts';
import { createBrowserStore, type Session } from '#client/sessions.ts';

const FRESH_MS = 5_000;
const STORE = 'box-office-session';

/** Keeps the answers of the graph. The client repeats failed operations, so this cache does not. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: { retry: false, staleTime: FRESH_MS },
    // An operation that is sent without a connection must fail with words, not wait in silence.
    mutations: { networkMode: 'always' },
  },
});

const browser = createBrowserStore(STORE);

export const GRAPH_URL = new URL('/graphql', location.href).href;

export const client = createClient({
  url: GRAPH_URL,
  store: {
    ...browser,
    async save(session) {
      await browser.save(session);
      showSession(session);
    },
  },
});

/** The answers of one user must not be shown to the next one. */
function showSession(session: Session | null): void {
  const before = queries.getQueryData<Session | null>(['session']);
  queries.setQueryData(['session'], session);
  if (before?.user.id !== session?.user.id)
    void queries.resetQueries({ predicate: ({ queryKey: [name] }) => name !== 'session' });
}

/** Another tab has signed in or out. */
addEventListener('storage', async ({ key }) => {
  if (key === STORE) showSession(await client.session());
});

/** Returns the session; null when nobody is signed in, undefined before it is known. */
export const useSession = (): Session | null | undefined =>
  useQuery({
    queryKey: ['session'],
    queryFn: () => client.session(),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
    networkMode: 'always',
  }).data;
