import { type DocumentNode, print } from 'graphql';
import { type Answer, findError, OperationError, rootErrors } from './answers.ts';
import {
  AddEventDocument,
  type AddEventMutation,
  CreateBookingDocument,
  type CreateBookingInput,
  type CreateBookingMutation,
  type CreateEventInput,
  type CreateUserInput,
  HoldDocument,
  type HoldMutation,
  type HoldSeatsInput,
  RefreshDocument,
  RegisterDocument,
  type RegisterMutation,
  ResetPasswordDocument,
  type ResetPasswordInput,
  type ResetPasswordMutation,
  SignInDocument,
  type SignInInput,
  type SignInMutation,
  SignOutDocument,
} from './generated/graphql.ts';
import { type LineOptions, takeTurn } from './line.ts';
import { type Operation, type SendSettings, send } from './send.ts';
import { createMemoryStore, createSessionKeeper, type Session, type SessionStore } from './sessions.ts';

/** A document of codegen's client preset. It carries the types of its data and variables. */
export interface TypedDocument<Data, Variables> extends DocumentNode {
  readonly __apiType?: (variables: Variables) => Data;
}

interface CallOptions {
  readonly signal?: AbortSignal;
}

type Call<Variables> =
  Record<string, never> extends Variables
    ? [variables?: Variables, options?: CallOptions]
    : [variables: Variables, options?: CallOptions];

type Keyed<Input> = Omit<Input, 'idempotencyKey'> & { readonly idempotencyKey?: string };

/** A client of the graph. Its methods throw an OperationError when an operation fails. */
export interface Client {
  /** Executes an operation and returns its data. Nested fields can be null because of an error. */
  request<Data, Variables extends object>(
    document: TypedDocument<Data, Variables>,
    ...call: Call<Variables>
  ): Promise<Data>;
  /** Executes an operation and returns its data and its errors. Throws only when the token cannot be refreshed. */
  execute<Data, Variables extends object>(
    document: TypedDocument<Data, Variables>,
    ...call: Call<Variables>
  ): Promise<Answer<Data>>;
  /** Books seats. Without a key, the client makes one, so only its own retries are safe. With `onQueued` it waits in line. */
  book(input: Keyed<CreateBookingInput>, options?: LineOptions): Promise<CreateBookingMutation['createBooking']>;
  /** Holds seats, with a key and a line like `book`. */
  hold(input: Keyed<HoldSeatsInput>, options?: LineOptions): Promise<HoldMutation['holdSeats']>;
  /** Creates an event, with a key like `book`. */
  addEvent(input: Keyed<CreateEventInput>, options?: CallOptions): Promise<AddEventMutation['createEvent']>;
  /** Registers a user and keeps the session. */
  signUp(input: CreateUserInput): Promise<RegisterMutation['createUser']>;
  /** Signs a user in and keeps the session. */
  signIn(input: SignInInput): Promise<SignInMutation['signIn']>;
  /** Sets a new password with the token of a mail and keeps the session. */
  resetPassword(input: ResetPasswordInput): Promise<ResetPasswordMutation['resetPassword']>;
  /** Forgets the session and ends it at the server. */
  signOut(): Promise<void>;
  /** Returns the session; null when nobody is signed in. */
  session(): Promise<Session | null>;
  /** Returns an access token that is valid for some seconds more, for requests that the client does not send. */
  accessToken(): Promise<string | undefined>;
}

/**
 * Creates a client. It refreshes the access token before it expires and when the server refuses it. It repeats queries,
 * and mutations with an idempotency key, after SERVICE_UNAVAILABLE and a lost connection.
 * @param url the address of the gateway, with /graphql
 * @param store keeps the session; by default in memory
 */
export function createClient({
  url,
  store = createMemoryStore(),
  fetch = globalThis.fetch,
  timeoutMs = 15_000,
  attemptsMax = 5,
  backoffMs = 200,
  onRetry,
}: { url: string; store?: SessionStore } & Partial<SendSettings>): Client {
  const settings: SendSettings = { url, fetch, timeoutMs, attemptsMax, backoffMs, onRetry };
  const sessions = createSessionKeeper(store, async (refreshToken) => {
    const { refreshSession } = await requestWithoutToken(RefreshDocument, { refreshToken });
    return refreshSession.__typename === 'Session' ? refreshSession : null;
  });

  async function requestWithoutToken<Data, Variables extends object>(
    document: TypedDocument<Data, Variables>,
    variables: Variables,
  ): Promise<Data> {
    const operation = operationOf(document, variables);
    return dataOf(operation, await send<Data>(settings, operation, {}));
  }

  async function execute<Data>(operation: Operation, { signal }: CallOptions = {}): Promise<Answer<Data>> {
    const session = await sessions.fresh();
    const answer = await send<Data>(settings, operation, { accessToken: session?.accessToken, signal });
    // The server refuses a token before it does anything, so each operation can be sent again.
    if (session === null || !findError(rootErrors(answer), 'UNAUTHENTICATED')) return answer;
    const renewed = await sessions.renew(session);
    return renewed === null ? answer : send<Data>(settings, operation, { accessToken: renewed.accessToken, signal });
  }

  async function request<Data, Variables extends object>(
    document: TypedDocument<Data, Variables>,
    variables: Variables,
    options?: CallOptions,
  ): Promise<Data> {
    const operation = operationOf(document, variables);
    return dataOf(operation, await execute<Data>(operation, options));
  }

  async function keep<Result extends { __typename: string }>(result: Result): Promise<Result> {
    if (result.__typename === 'Session') await sessions.save(result as unknown as Session);
    return result;
  }

  return {
    request: (document, ...[variables, options]) => request(document, variables ?? ({} as never), options),
    execute: (document, ...[variables, options]) => execute(operationOf(document, variables ?? {}), options),
    book(input, options) {
      const keyed = { idempotencyKey: createKey(), ...input };
      const book = async (place?: object) =>
        (await request(CreateBookingDocument, { input: { ...keyed, ...place } }, options)).createBooking;
      return takeTurn(book, options);
    },
    hold(input, options) {
      const keyed = { idempotencyKey: createKey(), ...input };
      const hold = async (place?: object) =>
        (await request(HoldDocument, { input: { ...keyed, ...place } }, options)).holdSeats;
      return takeTurn(hold, options);
    },
    addEvent: async (input, options) =>
      (await request(AddEventDocument, { input: { idempotencyKey: createKey(), ...input } }, options)).createEvent,
    signUp: async (input) => keep((await requestWithoutToken(RegisterDocument, { input })).createUser),
    signIn: async (input) => keep((await requestWithoutToken(SignInDocument, { input })).signIn),
    resetPassword: async (input) => keep((await requestWithoutToken(ResetPasswordDocument, { input })).resetPassword),
    async signOut() {
      const session = await sessions.load();
      await sessions.save(null);
      if (session !== null) await requestWithoutToken(SignOutDocument, { refreshToken: session.refreshToken });
    },
    session: sessions.load,
    accessToken: async () => (await sessions.fresh())?.accessToken,
  };
}

/** Makes a new idempotency key. Make one for each intent of the user and keep it until its outcome is known. */
export const createKey = (): string =>
  // Pages without HTTPS have no crypto.randomUUID.
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

const texts = new WeakMap<DocumentNode, string>();

function operationOf(document: DocumentNode, variables: object): Operation {
  const query = texts.get(document) ?? print(document);
  texts.set(document, query);
  const isMutation = document.definitions.some((node) => 'operation' in node && node.operation === 'mutation');
  const { input } = variables as { input?: { idempotencyKey?: unknown } };
  return { query, variables, isMutation, isRepeatable: !isMutation || typeof input?.idempotencyKey === 'string' };
}

function dataOf<Data>({ isMutation }: Operation, answer: Answer<Data>): Data {
  const errors = rootErrors(answer);
  if (answer.data == null || errors.length > 0) throw new OperationError(errors, { isMutation });
  return answer.data;
}
