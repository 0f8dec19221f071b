import { expect, test } from 'vitest';
import { webhookRules } from './webhook-input.ts';

const rules = webhookRules({ allowPrivate: false });
const development = webhookRules({ allowPrivate: true });
const kinds = ['EVENT_CREATED'] as const;
const urlOf = (url: string, { create } = rules) => {
  const { data, error } = create.safeParse({ url, kinds });
  return data?.url ?? error?.issues[0]?.message;
};

test.each([
  ['https://example.com/webhooks', 'https://example.com/webhooks'],
  [' https://Example.com:443/a?b=c#d ', 'https://example.com/a?b=c'],
  ['https://bücher.example/ö', 'https://xn--bcher-kva.example/%C3%B6'],
  ['https://8.8.8.8/', 'https://8.8.8.8/'],
  ['https://[2606:4700::1111]/', 'https://[2606:4700::1111]/'],
])('the URL %j is accepted as %j', (url, expected) => expect(urlOf(url)).toBe(expected));

test.each<[url: string, rule: string]>([
  ['not a URL', 'must be a URL like https://example.com/webhooks'],
  ['http://example.com/', 'must begin with https://'],
  ['file:///etc/passwd', 'must begin with https://'],
  ['https://user@example.com/', 'must not contain a name or a password'],
  ['https://:password@example.com/', 'must not contain a name or a password'],
  ['https://example.com:8443/', 'must use port 443'],
  [`https://example.com/${'a'.repeat(1_000)}`, 'must have at most 1000 characters'],
  ...[
    '127.0.0.1',
    '0x7f.1',
    '2130706433',
    '10.1.2.3',
    '169.254.169.254',
    '[::1]',
    '[::ffff:10.0.0.1]',
    '[fd00::1]',
  ].map((host): [string, string] => [`https://${host}/`, 'must not be an address of a private network']),
])('the URL %j is refused: it %s', (url, rule) => expect(urlOf(url)).toBe(rule));

test('in development, http, ports and private addresses are accepted, but no passwords', () => {
  expect(urlOf('http://127.0.0.1:8080/', development)).toBe('http://127.0.0.1:8080/');
  expect(urlOf('http://a:b@127.0.0.1/', development)).toBe('must not contain a name or a password');
});

test('kinds are kept once each, in a fixed order, and one is needed', () => {
  const parse = (given: readonly string[]) => rules.create.safeParse({ url: 'https://example.com', kinds: given });
  expect(parse(['BOOKING_CANCELLED', 'EVENT_CREATED', 'BOOKING_CANCELLED']).data?.kinds).toEqual([
    'EVENT_CREATED',
    'BOOKING_CANCELLED',
  ]);
  expect(parse([]).error?.issues[0]?.message).toBe('must contain at least one kind');
});
