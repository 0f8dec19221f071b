import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { createLogger } from './logger.ts';

function logged(fields: object): Record<string, unknown> {
  const lines: string[] = [];
  const logger = createLogger({ service: 'test', level: 'info' }, { write: (line) => void lines.push(line) });
  logger.info(fields, 'a line');
  return JSON.parse(lines.join(''));
}

it('a line has its level, service, time, fields and message', () => {
  const line = logged({ operation: 'EventPage', path: ['event', 'name'], input: { id: '1' } });
  expect(line).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    service: 'test',
    operation: 'EventPage',
    path: ['event', 'name'],
    input: { id: '1' },
    msg: 'a line',
  });
});

it.each(['authorization', 'password', 'email', 'token'])(
  'the field %s is redacted, also inside of another field',
  (name) => {
    const secret = { [name]: 'a-secret', id: '1' };
    expect(logged({ ...secret, input: secret })).toMatchObject({
      ...{ [name]: '[redacted]', id: '1' },
      input: { [name]: '[redacted]', id: '1' },
    });
    expect(secret).toEqual({ [name]: 'a-secret', id: '1' });
  },
);

it('secrets in the properties of an error are redacted, and its cause is logged', () => {
  const error = Object.assign(new Error('refused', { cause: new Error('wrong account') }), {
    command: { name: 'auth', args: ['a-secret'] },
    password: 'a-secret',
    code: 'ERR',
  });
  const line = logged({ err: error });
  expect(line.err).toMatchObject({ type: 'Error', code: 'ERR', command: '[redacted]', password: '[redacted]' });
  expect(JSON.stringify(line)).toContain('wrong account');
  expect(JSON.stringify(line)).not.toContain('a-secret');
});

it.each(['process.exit(0)', "throw new Error('a bug')", 'setTimeout(() => undefined)'])(
  'standard output gets all lines in order, also when the process ends with %s',
  (end) => {
    const program = `
      import { createLogger } from ${JSON.stringify(new URL('logger.ts', import.meta.url).href)};
      const logger = createLogger({ service: 'test', level: 'info' });
      for (let line = 0; line < 3; line += 1) logger.info({ line }, 'a line');
      await new Promise(setImmediate);
      for (let line = 3; line < 5_000; line += 1) logger.info({ line }, 'a line');
      ${end};`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' });
    const lines = stdout.split('\n').slice(0, -1);
    expect(lines.map((text) => JSON.parse(text).line)).toEqual(Array.from({ length: 5_000 }, (_, line) => line));
  },
);
