import { WAITING_CONNECTIONS_MAX } from '#platform/http/http-server.ts';
import { configOrExit } from '#platform/process/config.ts';
import { createProcess } from '#platform/process/process.ts';
import { createGateway } from './app.ts';
import { readGatewayConfig } from './config.ts';

const config = configOrExit(readGatewayConfig);
const gateway = await createGateway({ config, ...createProcess('gateway', config) });
await gateway.listen({ host: config.HOST, port: config.PORT, backlog: WAITING_CONNECTIONS_MAX });
