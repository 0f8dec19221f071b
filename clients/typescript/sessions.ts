import type { SessionFieldsFragment } from './generated/graphql.ts';

/** A signed-in user with their tokens. */
export type Session = SessionFieldsFragment;

/** Keeps the session. The client loads it for each operation, so that it sees what other tabs or processes saved. */
export interface SessionStore {
  load(): Session | null | Promise<Session | null>;
  /** Saves the session, or deletes it. */
  save(session: Session | null): void | Promise<void>;
  /** Runs one piece of work at a time, also over the other users of the store. */
  exclusively?<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** Keeps the session as long as the program runs. */
export function createMemoryStore(session: Session | null = null): SessionStore {
  return {
    load: () => session,
    save(next) {
      session = next;
    },
  };
}

/** Keeps the session in a browser. All tabs share it, and only one of them refreshes it at a time. */
export function createBrowserStore(name = 'event-booking-session'): SessionStore {
  const { localStorage, navigator } = globalThis as unknown as BrowserParts;
  return {
    load: () => JSON.parse(localStorage.getItem(name) ?? 'null'),
    save: (session) =>
      session === null ? localStorage.removeItem(name) : localStorage.setItem(name, JSON.stringify(session)),
    // A page without HTTPS has no locks.
    exclusively: (work) => navigator.locks?.request(name, work) ?? work(),
  };
}

/** The parts of a browser that the store uses. The types of Node do not contain them. */
interface BrowserParts {
  readonly localStorage: {
    getItem(name: string): string | null;
    setItem(name: string, value: string): void;
    removeItem(name: string): void;
  };
  readonly navigator: {
    readonly locks?: { request<Result>(name: string, work: () => Promise<Result>): Promise<Result> };
  };
}

/** A token is refreshed this long before it expires, so that it is still valid when the server reads it. */
const EXPIRES_WITHIN_MS = 10_000;

/**
 * Creates the keeper of a session. A refresh token works once, and using it again ends the session. So only one refresh
 * runs at a time, and the others use its result.
 * @param refresh exchanges a refresh token; null when the session has ended
 */
export function createSessionKeeper(store: SessionStore, refresh: (refreshToken: string) => Promise<Session | null>) {
  let renewing: Promise<Session | null> | undefined;
  /** The last token from the server, if it looks expired. Then this machine's clock is wrong: the server decides. */
  let beyondClock: string | undefined;

  const isExpiring = ({ accessToken, expiresAt }: Session) =>
    accessToken !== beyondClock && Date.parse(expiresAt) - Date.now() < EXPIRES_WITHIN_MS;

  async function save(session: Session | null): Promise<void> {
    if (session !== null && isExpiring(session)) beyondClock = session.accessToken;
    await store.save(session);
  }

  async function exchange({ accessToken, refreshToken }: Session): Promise<Session | null> {
    const before = await store.load();
    if (before?.accessToken !== accessToken) return before;
    const renewed = await refresh(refreshToken);
    const after = await store.load();
    // The user has signed out in the meantime, or as somebody else.
    if (after?.accessToken !== accessToken) return after;
    await save(renewed);
    return renewed;
  }

  /** Replaces the tokens of a session, unless this has already happened. Null when the session has ended. */
  function renew(session: Session): Promise<Session | null> {
    const work = () => exchange(session);
    renewing ??= (store.exclusively?.(work) ?? work()).finally(() => {
      renewing = undefined;
    });
    return renewing;
  }

  return {
    save,
    renew,
    load: async () => store.load(),
    /** Returns the session with an access token that is valid for some seconds more. */
    async fresh(): Promise<Session | null> {
      const session = await store.load();
      return session !== null && isExpiring(session) ? renew(session) : session;
    },
  };
}
