import { describe, expect, it } from 'vitest';
import {
  brokerSettings,
  ConfigError,
  integer,
  parseConfig,
  processSettings,
  secrets,
  tokenSettings,
} from './config.ts';

describe('configuration', () => {
  it('names every problem at once, and no value', () => {
    const shape = { ...processSettings(4000), ...brokerSettings, SECRET: secrets };
    const env = { PORT: 'eighty', LOG_LEVEL: 'loud', SECRET: 'tooshort', NATS_REPLICAS: '9' };
    let message = '';
    try {
      parseConfig(shape, env);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      message = error.message;
    }
    for (const name of ['PORT', 'LOG_LEVEL', 'SECRET', 'NATS_REPLICAS']) expect(message).toContain(name);
    expect(message).not.toContain('tooshort');
  });

  it('takes an empty variable for none', () => {
    expect(parseConfig({ LIMIT: integer(1, 10, 5) }, { LIMIT: '' })).toEqual({ LIMIT: 5 });
  });

  it('takes two secrets while one is being rotated, and not three', () => {
    const [one, two, three] = ['1', '2', '3'].map((digit) => digit.repeat(16));
    expect(parseConfig({ SECRET: secrets }, { SECRET: `${one}, ${two}` })).toEqual({ SECRET: [one, two] });
    expect(() => parseConfig({ SECRET: secrets }, { SECRET: `${one},${two},${three}` })).toThrow(ConfigError);
  });

  it.each(['', '{', '[]', '{"keys":[]}', '{"keys":[{}]}'])('refuses the key set %j', (JWT_PUBLIC_KEYS) => {
    expect(() => parseConfig(tokenSettings, { JWT_PUBLIC_KEYS })).toThrow(/JWT_PUBLIC_KEYS/);
  });
});
