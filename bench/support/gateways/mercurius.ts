/**
 * Mercurius with @mercuriusjs/gateway and default settings, from the folder PACKAGES. It reads the schemas of the
 * subgraphs at USER_PORT, EVENT_PORT and BOOKING_PORT instead of a supergraph. It listens on PORT.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { portVariable } from '#scripts/local/settings.ts';
import { eachOf } from '#services';
import { GRAPH, SCHEMAS, subgraphUrls } from './graph.ts';

const load = createRequire(join(process.env.PACKAGES ?? '', 'package.json'));
const urls = subgraphUrls(eachOf(GRAPH, (name) => Number(process.env[portVariable(name)])));
const app = load('fastify')();
app.register(load('@mercuriusjs/gateway'), {
  gateway: { services: GRAPH.map((name) => ({ name, url: urls[name], schema: SCHEMAS[name] })) },
});
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
