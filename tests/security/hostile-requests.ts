import { request } from 'undici';

/** A request that tries to cause more work than its size justifies. */
export interface HostileRequest {
  readonly method?: 'GET' | 'POST';
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** Sends a request to the service at an address. Returns the status and the body. */
export async function send(
  url: string,
  { method = 'POST', path = '/graphql', headers, body }: HostileRequest,
): Promise<{ status: number; text: string }> {
  const answer = await request(`${url}${path}`, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body }),
  });
  return { status: answer.statusCode, text: await answer.body.text() };
}

type OfSize = (size: number) => HostileRequest;

/** Joins `count` copies of a text, or the results of a function for each index. At least one. */
export const times = (count: number, part: string | ((index: number) => string), separator = ' '): string =>
  Array.from({ length: Math.max(1, Math.floor(count)) }, (_, index) =>
    typeof part === 'string' ? part : part(index),
  ).join(separator);

const operation = (query: string, variables: unknown = {}, more: object = {}): HostileRequest => ({
  body: JSON.stringify({ query, variables, ...more }),
});
/** Takes the variables as JSON text: JSON.stringify cannot write very deep values or duplicate keys. */
const withVariables = (query: string, variables: string): HostileRequest => ({
  body: `{"query":${JSON.stringify(query)},"variables":${variables}}`,
});
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

const CREATE_USER = 'mutation ($input: CreateUserInput!) { createUser(input: $input) { __typename } }';
const EVENTS =
  'query ($filter: EventFilter, $after: String) { events(filter: $filter, after: $after) { nodes { id } } }';
const PAGE = 'query ($first: Int) { events(first: $first) { nodes { id } } }';
const fields = (count: number, name: (index: number) => string) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [name(index), 1]));

/** Bodies of about `size` characters, within BODY_BYTES_MAX. */
const BODIES: Record<string, OfSize> = {
  'unknown input fields': (size) => operation(CREATE_USER, { input: fields(size / 16, (i) => `unknown${i}`) }),
  'unknown input fields beside known ones': (size) => {
    const known = { name: 'x', email: 'x@example.com', password: 'x'.repeat(20) };
    return operation(CREATE_USER, { input: { ...known, ...fields(size / 16, (i) => `unknown${i}`) } });
  },
  'numbers for input fields': (size) => operation(CREATE_USER, { input: fields(size / 13, (i) => String(i * 4_000)) }),
  'a long name of an unknown input field': (size) => operation(CREATE_USER, { input: { ['e'.repeat(size)]: 1 } }),
  'variables that are not declared': (size) =>
    operation(
      '{ me { id } }',
      fields(size / 10, (i) => `v${i}`),
    ),
  'a deep list instead of a text': (size) => withVariables(CREATE_USER, `{"input":{"name":${nested(size / 2)}}}`),
  'a deep object instead of a text': (size) =>
    withVariables(CREATE_USER, `{"input":{"name":${'{"a":'.repeat(size / 6)}1${'}'.repeat(size / 6)}}}`),
  'a deep variable that is not declared': (size) => withVariables('{ me { id } }', `{"x":${nested(size / 2)}}`),
  'a long list instead of an object': (size) => operation(CREATE_USER, { input: Array(Math.floor(size / 3)).fill({}) }),
  'a long list instead of an id': (size) =>
    operation('query ($id: ID!) { event(id: $id) { id } }', { id: Array(Math.floor(size / 2)).fill(1) }),
  'a long text instead of a number': (size) => operation(PAGE, { first: 'x'.repeat(size) }),
  'a long text for an enum': (size) => operation(EVENTS, { filter: { status: 'S'.repeat(size) } }),
  'a long text for a date': (size) => operation(EVENTS, { filter: { startsAfter: `2030-01-01T${'0'.repeat(size)}` } }),
  'a long text to search for': (size) => operation(EVENTS, { filter: { nameContains: ' a'.repeat(size / 2) } }),
  'control characters to search for': (size) =>
    operation(EVENTS, { filter: { nameContains: '\u0001'.repeat(size / 6) } }),
  'a cursor of deep JSON': (size) =>
    operation(EVENTS, { after: Buffer.from('['.repeat(size * 0.7)).toString('base64url') }),
  'a cursor of a long list': (size) =>
    operation(EVENTS, { after: Buffer.from(`[${times(size / 3, '1', ',')}]`).toString('base64url') }),
  'a cursor that is not base64': (size) => operation(EVENTS, { after: '='.repeat(size) }),
  'a very long idempotency key': (size) =>
    operation('mutation ($input: CreateBookingInput!) { createBooking(input: $input) { __typename } }', {
      input: { eventId: '1', idempotencyKey: 'k'.repeat(size) },
    }),
  'an e-mail address with many dots': (size) =>
    operation(CREATE_USER, { input: { name: 'x', email: `x@${'a.'.repeat(size / 2)}`, password: 'x'.repeat(20) } }),
  'a text that looks like error messages': (size) =>
    operation(PAGE, { first: 'got invalid value at "a"; cannot represent a value: '.repeat(size / 56) }),
  'a text of unfinished error messages': (size) => operation(PAGE, { first: '; Expected type '.repeat(size / 17) }),
  '__proto__ many times': (size) => withVariables('{ me { id } }', `{${times(size / 17, '"__proto__":[1]', ',')}}`),
  'an escaped __proto__, then spaces': (size) =>
    withVariables('{ me { id } }', `{"a":"\\u005f_proto__":${' '.repeat(size)}}`),
  'keys beside the query': (size) => ({ body: JSON.stringify(fields(size / 13, (i) => `key${i}`)) }),
  'deep extensions': (size) => ({ body: `{"query":"{ me { id } }","extensions":{"a":${nested(size / 2)}}}` }),
  'a long hash of a persisted query': (size) => ({
    body: JSON.stringify({ extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(size) } } }),
  }),
  'unclosed JSON': (size) => ({ body: '['.repeat(size) }),
  'a long operation name': (size) => operation('query A { me { id } }', {}, { operationName: 'A'.repeat(size) }),
  'empty lines, then unknown fields': (size) =>
    operation(`{ me { ${'\n'.repeat(size / 2.2)} ${times(300, (i) => `f${i}`)} } }`),
  'empty lines, then a syntax error': (size) => operation(`{ me { ${'\n'.repeat(size / 2.2)} ! } }`),
  'many comments': (size) => operation(`{ me { id } } ${'#\n'.repeat(size / 3.2)}`),
  'a long field name': (size) => operation(`{ ${'m'.repeat(size)} }`),
  'a long type name': (size) => operation(`{ me { ... on ${'U'.repeat(size)} { id } } }`),
  'a long literal': (size) => operation(`{ events(first: "${'U'.repeat(size)}") { nodes { id } } }`),
  'a block text of many lines': (size) => operation(`{ event(id: """${'\n a'.repeat(size / 4.2)}""") { id } }`),
  'a literal of many escapes': (size) => operation(`{ event(id: "${'\\n'.repeat(size / 3.2)}") { id } }`),
  'more fields than the token limit allows': (size) => operation(`{ me { ${times(size / 3.1, 'id')} } }`),
  'more operations than the token limit allows': (size) =>
    operation(times(size / 24, (i) => `query A${i} { me { id } }`)),
};

/** Documents of about that many tokens, within QUERY_TOKENS_MAX. Each is parsed, validated and, if valid, planned. */
const DOCUMENTS: Record<string, (tokens: number) => string> = {
  'one repeated field': (tokens) => `{ me { ${times(tokens - 9, 'id')} } }`,
  'one repeated object': (tokens) => `{ me { ${times(tokens / 7, 'bookings { nodes { id } }')} } }`,
  'fields that conflict': (tokens) =>
    `{ me { ${times(tokens / 10, (i) => `bookings { nodes { x: ${i % 2 ? 'id' : 'seatCount'} } }`)} } }`,
  'inline fragments': (tokens) => `{ me { ${times(tokens / 7, '... on User { id }')} } }`,
  'nested inline fragments': (tokens) =>
    `{ me { ${'... on User {'.repeat(tokens / 5.5)} id ${'}'.repeat(tokens / 5.5)} } }`,
  'unknown fields': (tokens) => `{ me { ${times(tokens - 9, (i) => `f${i}`)} } }`,
  'unknown types with names similar to known ones': (tokens) =>
    `{ me { ${times(tokens / 6.5, (i) => `... on BookingConnectio${i} { id }`)} } }`,
  'unknown fragments': (tokens) => `{ me { ${times(tokens / 2.2, (i) => `...f${i}`)} } }`,
  'fragments in a chain': (tokens) =>
    `{ me { ...f0 } } ${times(tokens / 11, (i) => `fragment f${i} on User { id name ...f${i + 1} }`)}
     fragment f${Math.floor(tokens / 11)} on User { id }`,
  'fragments that all spread each other': (tokens) => {
    const count = Math.floor(Math.sqrt(tokens / 2.6));
    return `{ me { ...f0 } } ${times(count, (i) => `fragment f${i} on User { ${times(count, (j) => `...f${j}`)} id }`)}`;
  },
  'fragments spread side by side': (tokens) =>
    `{ me { ${times(tokens / 21, (i) => `...f${i}`)} } }
     ${times(tokens / 21, (i) => `fragment f${i} on User { bookings { nodes { id } } }`)}`,
  'fragments that double at each level': (tokens) =>
    `{ me { ...f0 } } ${times(tokens / 14, (i) => `fragment f${i} on User { ...f${i + 1} ...f${i + 1} }`)}
     fragment f${Math.floor(tokens / 14)} on User { id }`,
  'operations with the same name': (tokens) => times(tokens / 8.2, 'query A { me { id } }'),
  'operations that share a fragment': (tokens) =>
    `${times(tokens / 18.5, (i) => `query A${i} { me { ...f } }`)} fragment f on User { ${times(tokens / 2.2, 'id')} }`,
  'operations that share a chain of fragments': (tokens) =>
    `${times(tokens / 18, (i) => `query A${i} { me { ...f0 } }`)}
     ${times(tokens / 20, (i) => `fragment f${i} on User { ...f${i + 1} }`)} fragment f${Math.floor(tokens / 20)} on User { id }`,
  'variables that are not used': (tokens) => `query (${times(tokens / 4.3, (i) => `$v${i}: Int`)}) { me { id } }`,
  'variables of unknown types': (tokens) => `query (${times(tokens / 4.3, (i) => `$v${i}: Foo${i}`)}) { me { id } }`,
  'unknown arguments': (tokens) => `{ event(${times(tokens / 3.2, (i) => `a${i}: 1`)}) { id } }`,
  'unknown fields of a literal': (tokens) =>
    `{ events(filter: { ${times(tokens / 3.2, (i) => `a${i}: 1`)} }) { nodes { id } } }`,
  'a deep literal': (tokens) => `{ event(id: ${nested(tokens / 2.2)}) { id } }`,
  'a deep list type': (tokens) =>
    `query ($v: ${'['.repeat(tokens / 2.2)}ID${']'.repeat(tokens / 2.2)}) { event(id: $v) { id } }`,
  'many directives': (tokens) => `{ me { id ${times(tokens / 2.2, (i) => `@d${i}`)} } }`,
  'many aliases': (tokens) => `{ me { ${times(tokens / 3.2, (i) => `a${i}: id`)} } }`,
  'deep selections': (tokens) =>
    `{ me ${'{ bookings { nodes { user '.repeat(tokens / 10)}{ id }${' } } }'.repeat(tokens / 10)} }`,
  'plans over all subgraphs': (tokens) =>
    `{ ${times(
      tokens / 100,
      (i) => `e${i}: events(first: 1) { nodes { id bookings(first: 1) { nodes { user { name }
      event { name availableSeats organizer { name } } notifications { id } } } } }`,
    )} }`,
};

/** Headers of about `size` characters, within the limit for all headers. */
const HEADERS: Record<string, OfSize> = Object.fromEntries(
  Object.entries<(size: number) => Record<string, string>>({
    'a long token': (size) => ({ authorization: `Bearer ${'a'.repeat(size)}` }),
    'a token with many dots': (size) => ({ authorization: `Bearer ${'a.'.repeat(size / 2)}` }),
    'a token with a deep header': (size) => ({
      authorization: `Bearer ${Buffer.from(`{"alg":"EdDSA","x":${nested(size / 3)}}`).toString('base64url')}.a.b`,
    }),
    'commas instead of addresses': (size) => ({ 'x-forwarded-for': ','.repeat(size) }),
    'addresses of trusted proxies': (size) => ({ 'x-forwarded-for': times(size / 10, '127.0.0.1', ',') }),
    'a very long address': (size) => ({ 'x-forwarded-for': '0:'.repeat(size / 2) }),
    'many media types': (size) => ({ accept: `${'a/b;q=0.1,'.repeat(size / 10)}application/json` }),
    'quotes in a media type': (size) => ({ accept: `application/json;a="${'",";'.repeat(size / 4)}` }),
    'spaces in the content type': (size) => ({ 'content-type': `application/json;${' '.repeat(size)}x` }),
    'parameters of the content type': (size) => ({ 'content-type': `application/json${';a=b'.repeat(size / 4)}` }),
    'many cookies': (size) => ({ cookie: 'a=b;'.repeat(size / 4) }),
    'a long request id': (size) => ({ 'x-request-id': 'a'.repeat(size) }),
    'a long trace id': (size) => ({ traceparent: `00-${'a'.repeat(size)}` }),
    'a long origin': (size) => ({ origin: `https://${'a.'.repeat(size / 2)}` }),
  }).map(([name, headersOf]) => [
    name,
    (size: number) => ({ ...operation('{ me { id } }'), headers: headersOf(size) }),
  ]),
);

const get = (path: string): HostileRequest => ({ method: 'GET', path, headers: { 'apollo-require-preflight': 'yes' } });
const QUERY = '/graphql?query=%7Bme%7Bid%7D%7D&';

/** Paths of about `size` characters, up to the limit for all headers. */
const PATHS: Record<string, OfSize> = {
  'unknown parameters': (size) => get(QUERY + 'a=b&'.repeat(size / 4)),
  'one repeated parameter': (size) => get(QUERY + 'variables=1&'.repeat(size / 12)),
  'deep variables': (size) => get(`${QUERY}variables=${'['.repeat(size)}`),
  'escapes in the query': (size) => get(`/graphql?query=${'%7B'.repeat(size / 3)}`),
  'a path of many segments': (size) => get(`/${'a/'.repeat(size / 2)}`),
  'a path of escapes': (size) => get(`/${'%61'.repeat(size / 3)}`),
  'a path of broken escapes': (size) => get(`/${'%zz'.repeat(size / 3)}`),
};

/** The kinds of hostile requests, with functions that make them and three sizes. Each size doubles the one before. */
export const HOSTILE_REQUESTS: readonly {
  kind: string;
  sizes: [number, number, number];
  requests: Record<string, OfSize>;
}[] = [
  { kind: 'body', sizes: [60_000, 120_000, 240_000], requests: BODIES },
  {
    kind: 'document',
    sizes: [240, 480, 960],
    requests: Object.fromEntries(
      Object.entries(DOCUMENTS).map(([name, documentOf]) => [
        name,
        // The comment makes each document new, so that no cache has it.
        (tokens: number) =>
          operation(`${documentOf(tokens)} #${crypto.randomUUID()}`, {}, { operationName: undefined }),
      ]),
    ),
  },
  { kind: 'header', sizes: [3_500, 7_000, 14_000], requests: HEADERS },
  { kind: 'address', sizes: [3_500, 7_000, 14_000], requests: PATHS },
];
