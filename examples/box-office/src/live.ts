import { print } from 'graphql';
import { createClient } from 'graphql-sse';
import type { TypedDocument } from '#client/client.ts';
import { client } from './client.ts';

const WAIT_MS_MIN = 1_000;
const WAIT_MS_MAX = 15_000;

const streams = createClient({
  url: new URL('/graphql', location.href).href,
  headers: async () => {
    const token = await client.accessToken();
    return token === undefined ? {} : { authorization: `Bearer ${token}` };
  },
  retryAttempts: 0,
});

/**
 * Subscribes while the page is visible, because a browser opens only six connections to a server for all its tabs.
 * Subscribes again when the stream ends. The first answer is always the present state. Returns a function that ends it.
 */
export function watch<Data, Variables extends object>(
  subscription: TypedDocument<Data, Variables>,
  variables: Variables,
  onData: (data: Data) => void,
): () => void {
  const query = print(subscription);
  let waitMs = WAIT_MS_MIN;
  let stop: (() => void) | undefined;

  function start(): void {
    stop?.();
    if (document.visibilityState !== 'visible') return;
    let isStopped = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    function startLater(): void {
      if (isStopped) return;
      timer = setTimeout(start, waitMs * (0.5 + Math.random()));
      waitMs = Math.min(WAIT_MS_MAX, 2 * waitMs);
    }
    const unsubscribe = streams.subscribe<Data>(
      { query, variables: { ...variables } as Record<string, unknown> },
      {
        next({ data }) {
          if (isStopped || data == null) return;
          waitMs = WAIT_MS_MIN;
          onData(data);
        },
        error: startLater,
        complete: startLater,
      },
    );
    stop = () => {
      isStopped = true;
      clearTimeout(timer);
      unsubscribe();
    };
  }

  start();
  document.addEventListener('visibilitychange', start);
  addEventListener('online', start);
  return () => {
    document.removeEventListener('visibilitychange', start);
    removeEventListener('online', start);
    stop?.();
  };
}
