import { GraphQLError } from 'graphql';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { badUserInput, forbidden, unauthenticated, unavailable } from '../errors/errors.ts';
import { createErrorMask } from './error-mask.ts';

describe('the error mask', () => {
  const lines: string[] = [];
  const mask = createErrorMask(pino({ level: 'info' }, { write: (line: string) => lines.push(line) }));
  const show = (error: GraphQLError) => mask(error.toJSON(), error);
  const asThrown = (originalError: Error) =>
    new GraphQLError(originalError.message, { path: ['event'], originalError });

  it.each([
    [badUserInput('first must be between 1 and 100.'), 'BAD_USER_INPUT'],
    [unauthenticated(), 'UNAUTHENTICATED'],
    [forbidden(), 'FORBIDDEN'],
  ])('keeps the message of a public error: %s', (error, code) => {
    expect(show(error)).toEqual({ message: error.message, extensions: { code } });
  });

  it('shows when to retry after an outage, but not what is unavailable', () => {
    const shown = show(unavailable(new Error('connect ECONNREFUSED 10.0.0.7:3306'), 2));
    expect(shown.extensions).toEqual({ code: 'SERVICE_UNAVAILABLE', retryAfter: 2 });
    expect(JSON.stringify(shown)).not.toContain('10.0.0.7');
  });

  it.each([
    ["Prisma's pool is exhausted", Object.assign(new Error('secret'), { code: 'P2024' })],
    ['the driver lost its connection', Object.assign(new Error('secret'), { errno: 45_009 })],
    [
      'a statement ran too long',
      Object.assign(new Error('secret'), { meta: { driverAdapterError: { cause: { originalCode: '1969' } } } }),
    ],
  ])('shows SERVICE_UNAVAILABLE when %s', (_why, error) => {
    const shown = show(asThrown(error));
    expect(shown).toMatchObject({ path: ['event'], extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 1 } });
    expect(JSON.stringify(shown)).not.toContain('secret');
  });

  it('logs each kind of outage as a warning once, not for each request', () => {
    lines.length = 0;
    const down = Object.assign(new Error('secret'), { code: 'ECONNREFUSED' });
    const exhausted = Object.assign(new Error('secret'), { errno: 45_028 });
    for (let request = 0; request < 50; request += 1) for (const error of [down, exhausted]) show(asThrown(error));
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(Array(2).fill('a dependency is unavailable'));
  });

  it('shows only an id for a bug, and logs the error under that id', () => {
    const shown = show(asThrown(new TypeError('SELECT password FROM users')));
    expect(shown.message).toBe('Something went wrong.');
    expect(shown.extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', errorId: expect.any(String) });
    expect(JSON.stringify(shown)).not.toMatch(/SELECT|stack|errors\.test/);
    const logged = lines.find((line) => line.includes(String(shown.extensions?.errorId)));
    expect(logged).toContain('SELECT password');
  });

  it('removes unknown extensions', () => {
    const error = new GraphQLError('no', { extensions: { code: 'FORBIDDEN', serviceName: 'user', stacktrace: ['x'] } });
    expect(show(error).extensions).toEqual({ code: 'FORBIDDEN' });
  });
});
