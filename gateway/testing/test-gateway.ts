import { Writable } from 'node:stream';
import { pino } from 'pino';
import { createMetrics } from '#platform/process/metrics.ts';
import { SUBGRAPHS, type SubgraphName, subgraphSetting } from '#services';
import { createGateway } from '../app.ts';
import { readGatewayConfig } from '../config.ts';
import { requiredEnv } from './credentials.ts';
import { type Behaviour, refusedUrl, type StandIn, startStandIn } from './stand-in.ts';

export interface Answer {
  status: number;
  text: string;
  body: {
    data?: unknown;
    errors?: { message: string; path?: unknown; extensions: Record<string, unknown> }[];
    extensions?: unknown;
  };
}

/** Nobody is there: each test gateway counts for itself. */
const REDIS_URL = 'redis://127.0.0.1:1';

/** The gateway on a port of its own, with stand-ins for some subgraphs and nobody in the place of the others. */
export async function startTestGateway(
  behaviours: Partial<Record<SubgraphName, Behaviour>> = {},
  env: NodeJS.ProcessEnv = {},
) {
  const stops: (() => unknown)[] = [];
  const standIns = {} as Record<SubgraphName, StandIn>;
  const urls: NodeJS.ProcessEnv = {};
  for (const name of SUBGRAPHS) {
    const behave = behaviours[name];
    if (behave !== undefined) {
      standIns[name] = await startStandIn(behave);
      stops.push(standIns[name].stop);
    }
    urls[subgraphSetting(name, 'URL')] = standIns[name]?.url ?? (await refusedUrl());
  }
  const logs: { level: string; msg: string }[] = [];
  const sink = new Writable({ write: (line, _encoding, done) => done(void logs.push(JSON.parse(String(line)))) });
  const logger = pino({ level: 'info', formatters: { level: (level) => ({ level }) } }, sink);
  const gateway = await createGateway({
    config: readGatewayConfig({ ...requiredEnv, ...urls, REDIS_URL, PORT: '0', RATE_LIMITS: 'off', ...env }),
    logger,
    metrics: createMetrics('gateway'),
    lifecycle: { stopping: false, onStop: (_name, step) => void stops.push(step) },
  });
  const url = await gateway.listen({ host: '127.0.0.1', port: 0 });

  return {
    url,
    logs,
    standIns,
    /** Posts one operation. */
    async ask(query: string, { variables = {}, headers = {} } = {}): Promise<Answer> {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query, variables }),
      });
      const text = await response.text();
      return { status: response.status, text, body: JSON.parse(text) };
    },
    async stop() {
      for (const stop of stops.reverse()) await stop();
    },
  };
}
