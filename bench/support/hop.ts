/**
 * A bare process of the floor that bench/floor.ts measures. It answers each request after it has run its statement, if
 * it has one, and after it has asked its downstream processes, one stage after another. It does nothing else.
 *
 * Reads PORT, STAGES (JSON: a list of stages, each a list of URLs), DATABASE_URL and STATEMENT.
 */
import { createServer } from 'node:http';
import { createPool } from 'mysql2/promise';
import { createPoster } from './http-booking.ts';

const { PORT, STAGES = '[]', DATABASE_URL = '', STATEMENT } = process.env;
const CONNECTIONS = 256;
const POOL_MAX = 10;

const stages = (JSON.parse(STAGES) as string[][]).map((urls) => urls.map((url) => createPoster(url, CONNECTIONS)));
const pool = createPool({ uri: DATABASE_URL, connectionLimit: POOL_MAX });

createServer(async (request, response) => {
  for await (const _ of request);
  const row = STATEMENT === undefined ? [] : (await pool.query(STATEMENT))[0];
  const answers: unknown[] = [];
  for (const stage of stages) {
    const texts = await Promise.all(stage.map((poster) => poster.post({ ask: 'page' })));
    answers.push(...texts.map(({ text }) => JSON.parse(text)));
  }
  response.end(JSON.stringify({ row, answers }));
}).listen(Number(PORT), '127.0.0.1');
