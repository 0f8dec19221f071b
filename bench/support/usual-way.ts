/**
 * The usual way to book, for comparison: Express and mysql2 with one transaction for each booking. It runs the
 * statements of the allocator for one booking instead of many, in the same order and at the same isolation level.
 *
 * The environment sets its database (DATABASE_URL), its port (PORT) and its number of connections (POOL_MAX).
 */
import express from 'express';
import { createPool, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';
import { v7 as newId } from 'uuid';

const pool = createPool({
  uri: process.env.DATABASE_URL ?? '',
  connectionLimit: Number(process.env.POOL_MAX ?? 10),
  timezone: 'Z',
});
pool.pool.on('connection', (connection) => {
  connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
  connection.query("SET SESSION time_zone = '+00:00'");
});

const app = express();
app.use(express.json());
app.post('/bookings', async (request, response) => {
  const { eventId, userId, seatCount, idempotencyKey } = request.body;
  const connection = await pool.getConnection();
  try {
    await connection.beginTransaction();
    const [[inventory]] = await connection.query<RowDataPacket[]>(
      `SELECT total_seats, available_seats, starts_at <= CURRENT_TIMESTAMP(3) AS started, status
       FROM inventories WHERE event_id = ? FOR UPDATE`,
      [eventId],
    );
    const [[known]] = await connection.query<RowDataPacket[]>(
      'SELECT booking_id FROM idempotency_keys WHERE caller_id = ? AND idempotency_key = ?',
      [userId, idempotencyKey],
    );
    if (known !== undefined) {
      await connection.rollback();
      response.status(200).json({ id: known.booking_id, replayed: true });
      return;
    }
    const bookable = inventory?.status === 'SCHEDULED' && !inventory.started;
    if (!bookable || inventory.available_seats < seatCount) {
      await connection.rollback();
      response.status(409).json({ code: 'SOLD_OUT' });
      return;
    }
    const id = newId();
    await connection.query<ResultSetHeader>(
      'INSERT INTO bookings (id, event_id, user_id, seat_count) VALUES (?, ?, ?, ?)',
      [id, eventId, userId, seatCount],
    );
    await connection.query<ResultSetHeader>(
      'INSERT INTO idempotency_keys (caller_id, idempotency_key, booking_id) VALUES (?, ?, ?)',
      [userId, idempotencyKey, id],
    );
    await connection.query<ResultSetHeader>(
      'UPDATE inventories SET available_seats = available_seats - ? WHERE event_id = ?',
      [seatCount, eventId],
    );
    const payload = JSON.stringify({
      id: newId(),
      type: 'booking.confirmed.v1',
      data: { id, eventId, userId, seatCount },
    });
    await connection.query<ResultSetHeader>('INSERT INTO outbox (id, subject, payload) VALUES (?, ?, ?)', [
      newId(),
      'booking.confirmed.v1',
      payload,
    ]);
    await connection.commit();
    response.status(201).json({ id, replayed: false });
  } catch (error) {
    await connection.rollback().catch(() => undefined);
    response.status(500).json({ message: String(error) });
  } finally {
    connection.release();
  }
});
app.get('/ready', async (_request, response) => {
  await pool.query('SELECT 1');
  response.json({ status: 'ready' });
});
app.listen(Number(process.env.PORT), '127.0.0.1');
