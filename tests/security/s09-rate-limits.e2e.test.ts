import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eachOfMany } from '../support/random.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';

const PASSWORD = 'correct horse battery';
const SIGN_INS = 40;
const PER_USER = 8;
const PER_ADDRESS = 400;
const ME = '{ me { id } }';
const RATE_LIMITED = { extensions: { code: 'RATE_LIMITED', retryAfter: expect.any(Number) } };

interface Answer {
  status: number;
  retryAfter: string | null;
  data?: Record<string, { __typename: string; accessToken?: string } | null> | null;
  errors?: { path?: string[]; extensions: { code: string; retryAfter?: number } }[];
}

describe('S3 and S9: rate limits per user and per address', () => {
  let system: TestSystem;
  /** Two gateways with the same Redis. Both trust a proxy on this machine, which forwards the clients' requests. */
  let gateways: string[];
  let counters: Redis;

  beforeAll(async () => {
    system = await startTestSystem({
      env: {
        RATE_LIMITS: 'on',
        RATE_LIMIT_USER: String(PER_USER),
        RATE_LIMIT_ADDRESS: String(PER_ADDRESS),
        SIGN_IN_LIMIT_ADDRESS: String(SIGN_INS),
        SIGN_UP_LIMIT_ADDRESS: '3',
        QUERY_ALIASES_MAX: '100',
        QUERY_ROOT_FIELDS_MAX: '100',
        QUERY_COST_MAX: '100000',
        QUERY_TOKENS_MAX: '10000',
        TRUSTED_PROXIES: '127.0.0.1',
      },
    });
    gateways = [system.urls.gateway, await system.startReplica('gateway')];
    counters = new Redis(system.redisUrl);
  });
  afterAll(async () => {
    counters?.disconnect();
    await system?.stop();
  });
  afterEach(() => counters.flushdb());

  let addresses = 0;
  const newAddress = () => `192.0.2.${++addresses}`;

  async function ask(
    query: string,
    {
      from = newAddress(),
      token,
      via = 0,
      variables = {},
    }: { from?: string; token?: string | undefined; via?: number; variables?: object } = {},
  ): Promise<Answer> {
    const response = await fetch(`${gateways[via % gateways.length]}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-forwarded-for': from,
        ...(token && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ query, variables }),
    });
    const retryAfter = response.headers.get('retry-after');
    return {
      status: response.status,
      retryAfter,
      ...((await response.json()) as Omit<Answer, 'status' | 'retryAfter'>),
    };
  }
  const SIGN_IN = 'mutation ($input: SignInInput!) { signIn(input: $input) { __typename } }';
  /** The outcome of one attempt: Session, InvalidCredentialsError or RATE_LIMITED. */
  async function signIn(email: string, password: string, from?: string): Promise<string | undefined> {
    const { data, errors } = await ask(SIGN_IN, { ...(from && { from }), variables: { input: { email, password } } });
    return data?.signIn?.__typename ?? errors?.[0]?.extensions.code;
  }
  async function register(from = newAddress()) {
    const email = `${randomUUID()}@example.com`;
    const query =
      'mutation ($input: CreateUserInput!) { createUser(input: $input) { __typename ... on Session { accessToken } } }';
    const { data, errors } = await ask(query, {
      from,
      variables: { input: { name: 'Ada', email, password: PASSWORD } },
    });
    const session = data?.createUser;
    return { email, from, token: session?.accessToken, outcome: session?.__typename ?? errors?.[0]?.extensions.code };
  }
  const inTurn = async <Result>(count: number, work: (index: number) => Promise<Result>): Promise<Result[]> => {
    const results: Result[] = [];
    for (let index = 0; index < count; index += 1) results.push(await work(index));
    return results;
  };

  describe('the limit on operations', () => {
    it('applies to each user, over all addresses and replicas', async () => {
      const [ada, grace] = await Promise.all([register(), register()]);
      const answers = await inTurn(PER_USER + 4, (via) => ask(ME, { token: ada.token, via }));
      expect(answers.map(({ status }) => status)).toEqual([...Array(PER_USER).fill(200), ...Array(4).fill(429)]);
      const refused = answers.at(-1);
      expect(refused?.errors).toMatchObject([RATE_LIMITED]);
      expect(Number(refused?.retryAfter)).toBe(refused?.errors?.[0]?.extensions.retryAfter);
      expect(Number(refused?.retryAfter)).toBeGreaterThan(0);
      expect(JSON.stringify(refused)).not.toContain(String(PER_USER));
      expect((await ask(ME, { token: grace.token })).status).toBe(200);
      expect((await ask(ME)).status).toBe(200);
    });

    it('applies to each address and also counts requests with an invalid token', async () => {
      const from = newAddress();
      const answers = await eachOfMany(Array.from({ length: PER_ADDRESS + 20 }), 20, (_, index) =>
        ask(ME, { from, via: index, ...(index % 3 === 0 && { token: 'a.b.c' }) }),
      );
      const refused = answers.filter(({ status }) => status === 429);
      // A request with an invalid token is refused with 401, but counts.
      expect(answers.filter(({ status }) => status === 401).length).toBeGreaterThan(PER_ADDRESS / 4);
      expect(refused.length).toBeGreaterThanOrEqual(10);
      // A replica can hold a fiftieth of the budget that it does not use.
      expect(refused.length).toBeLessThanOrEqual(20 + PER_ADDRESS / 50);
      expect((await ask(ME, { from })).status).toBe(429);
      expect((await ask(ME)).status).toBe(200);
    });

    it('counts an IPv6 network as one address, because its clients choose their addresses freely', async () => {
      const { token } = await register();
      await eachOfMany(Array.from({ length: PER_ADDRESS }), 20, (_, index) =>
        ask(ME, { from: `2001:db8:1:2::${index.toString(16)}` }),
      );
      expect((await ask(ME, { from: '2001:db8:1:2:ffff::1', token })).status).toBe(429);
      expect((await ask(ME, { from: '2001:db8:1:3::1', token })).status).toBe(200);
    });

    it('is used up about ten times as fast by new documents', async () => {
      const from = newAddress();
      const statuses = await inTurn(
        PER_ADDRESS / 10 + 5,
        async (index) => (await ask(`query Fresh${index} { me { id } }`, { from })).status,
      );
      expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(3);
      expect(statuses.slice(0, 30)).toEqual(Array(30).fill(200));
      expect((await ask(`query Wrong { nothing }`)).status).toBe(400);
    });

    it('is reported in the metrics for each budget that was used up', async () => {
      const { token } = await register();
      await inTurn(PER_USER + 1, () => ask(ME, { token }));
      const metrics = await (await fetch(`${gateways[0]}/metrics`)).text();
      expect(metrics).toMatch(/rate_limited_total\{budget="user"[^}]*\} [1-9]/);
      expect(metrics).toMatch(/gateway_refusals_total\{reason="rate_limited"[^}]*\} [1-9]/);
    });
  });

  it('uses X-Forwarded-For only from a trusted proxy, and only the address that the proxy added', async () => {
    const stranger = await startTestSystem({ env: { RATE_LIMITS: 'on', RATE_LIMIT_ADDRESS: '20' } });
    try {
      const statuses = await inTurn(13, async (index) => {
        const headers = {
          'content-type': 'application/json',
          'x-forwarded-for': `198.51.100.${index}`,
          forwarded: `for=198.51.100.${index}`,
        };
        const body = JSON.stringify({ query: ME });
        return (await fetch(stranger.graphqlUrl, { method: 'POST', headers, body })).status;
      });
      // The first request costs ten more, because its document is new.
      expect(statuses).toEqual([...Array(10).fill(200), ...Array(3).fill(429)]);
    } finally {
      await stranger.stop();
    }
    // The client sends an invented address. The proxy appends the real one, and only the real one counts.
    const from = newAddress();
    await eachOfMany(Array.from({ length: PER_ADDRESS }), 20, (_, index) =>
      ask(ME, { from: `203.0.113.${index % 250}, ${from}` }),
    );
    expect((await ask(ME, { from })).status).toBe(429);
  });

  describe('the limit on sign-ins', () => {
    it('counts each field, not each request: 100 aliases are 100 attempts', async () => {
      const { email, from } = await register();
      const aliases = Array.from(
        { length: 100 },
        (_, index) => `s${index}: signIn(input: { email: "${index}-${email}", password: "x" }) { __typename }`,
      );
      const { errors, data } = await ask(`mutation { ${aliases.join(' ')} }`, { from });
      expect(data).toBeNull();
      expect(errors?.length).toBeGreaterThan(0);
      for (const error of errors ?? []) expect(error).toMatchObject(RATE_LIMITED);
      const spent = await counters.keys('limit:sign-in:*');
      expect(await Promise.all(spent.map((key) => counters.get(key)))).toEqual([String(SIGN_INS)]);
      expect(await signIn(email, PASSWORD, from)).toBe('RATE_LIMITED');
    });

    it('cannot be avoided with an array of operations', async () => {
      const response = await fetch(`${gateways[0]}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify([{ query: ME }, { query: ME }]),
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
    });

    it('slows down repeated wrong passwords, for existing and for unknown accounts alike', async () => {
      const { email } = await register();
      for (const account of [email, `nobody-${email}`]) {
        const outcomes = await inTurn(9, () => signIn(account, 'a wrong password'));
        expect(outcomes).toEqual([...Array(6).fill('InvalidCredentialsError'), ...Array(3).fill('RATE_LIMITED')]);
      }
    });

    it('also holds for concurrent attempts', async () => {
      const { email } = await register();
      const outcomes = await Promise.all(Array.from({ length: 30 }, () => signIn(email, 'a wrong password')));
      expect(outcomes.filter((outcome) => outcome === 'InvalidCredentialsError').length).toBeLessThanOrEqual(6);
    });

    it('does not lock the owner out: an address that signed in before is not slowed down by other addresses', async () => {
      const { email, from } = await register();
      const strangers = await inTurn(12, () => signIn(email, 'a wrong password'));
      expect(strangers.at(-1)).toBe('RATE_LIMITED');
      expect(await signIn(email, PASSWORD)).toBe('RATE_LIMITED');
      expect(await signIn(email, PASSWORD, from)).toBe('Session');
      expect(await signIn(email, 'mistyped once', from)).toBe('InvalidCredentialsError');
      expect(await signIn(email, PASSWORD, from)).toBe('Session');
    });

    it('remembers an address for two weeks after its last sign-in', async () => {
      const { email, from } = await register();
      const [known = ''] = await counters.keys('limit:sign-in-known:*');
      await counters.expire(known, 60);
      expect(await signIn(email, PASSWORD, from)).toBe('Session');
      expect(await counters.ttl(known)).toBeGreaterThan(13 * 86_400);
    });

    it('lets the owner sign in from a new address when the wait is over', async () => {
      const { email } = await register();
      await inTurn(6, () => signIn(email, 'a wrong password'));
      expect(await signIn(email, PASSWORD)).toBe('RATE_LIMITED');
      await expect.poll(() => signIn(email, PASSWORD), { timeout: 20_000, interval: 2_100 }).toBe('Session');
    });

    it('slows down one account, and no other account at the same address', async () => {
      const [{ email }, { email: other }] = await Promise.all([register(), register()]);
      const from = newAddress();
      await inTurn(8, () => signIn(email, 'a wrong password', from));
      expect(await signIn(other, PASSWORD, from)).toBe('Session');
    });

    it('stores no e-mail address in the counters', async () => {
      const { email } = await register();
      await signIn(email, 'a wrong password');
      const keys = await counters.keys('*');
      expect(keys.filter((key) => key.startsWith('limit:sign-in-failures:'))).not.toEqual([]);
      expect(keys.join()).not.toContain(email.split('@')[0]);
    });
  });

  describe('the limits on accounts', () => {
    /** The outcome of one request: true or RATE_LIMITED. */
    async function requestReset(email: string, from = newAddress()) {
      const query = 'mutation ($email: String!) { requestPasswordReset(email: $email) }';
      const { data, errors } = await ask(query, { from, variables: { email } });
      return data?.requestPasswordReset ?? errors?.[0]?.extensions.code;
    }

    it('send an account at most 5 mails an hour, from all addresses, and answer the same for unknown accounts', async () => {
      const { email } = await register();
      for (const account of [email, `nobody-${email}`]) {
        const outcomes = await inTurn(7, () => requestReset(account));
        expect(outcomes).toEqual([...Array(5).fill(true), 'RATE_LIMITED', 'RATE_LIMITED']);
      }
      expect((await counters.keys('*')).join()).not.toContain(email.split('@')[0]);
    });

    it('count requests for mails and attempts with tokens per address', async () => {
      const from = newAddress();
      const outcomes = await inTurn(SIGN_INS + 1, (index) => requestReset(`${index}@example.com`, from));
      expect(outcomes.at(-1)).toBe('RATE_LIMITED');
      const verify = await ask('mutation { verifyEmail(token: "unknown") { __typename } }', { from });
      expect(verify.errors).toMatchObject([RATE_LIMITED]);
      const reset =
        'mutation { resetPassword(input: { token: "unknown", newPassword: "123456789012" }) { __typename } }';
      expect((await ask(reset, { from })).errors).toMatchObject([RATE_LIMITED]);
    });

    it('slow down wrong passwords of a signed-in user like sign-ins', async () => {
      const { token } = await register();
      const query = 'mutation { deleteAccount(input: { password: "a wrong password" }) { __typename } }';
      const outcomes = await inTurn(PER_USER, async () => {
        const { data, errors } = await ask(query, { token });
        return data?.deleteAccount?.__typename ?? errors?.[0]?.extensions.code;
      });
      expect(outcomes.slice(0, 6)).toEqual(Array(6).fill('InvalidCredentialsError'));
      expect(outcomes.at(-1)).toBe('RATE_LIMITED');
    });
  });

  it('/ready reports whether the replicas share the counters', async () => {
    for (const url of [system.urls.gateway, system.urls.user]) {
      const { checks } = (await (await fetch(`${url}/ready`)).json()) as { checks: Record<string, object> };
      expect(checks.limits).toMatchObject({ status: 'up' });
    }
  });

  it('limits registrations per address', async () => {
    const from = newAddress();
    const outcomes = await inTurn(5, async () => (await register(from)).outcome);
    expect(outcomes).toEqual(['Session', 'Session', 'Session', 'RATE_LIMITED', 'RATE_LIMITED']);
    expect((await register()).outcome).toBe('Session');
  });
});
