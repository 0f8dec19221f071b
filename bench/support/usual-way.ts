/**
 * The baseline for bookings: Express and mysql2 with one transaction for each booking. It runs the
 * statements of the allocator for one booking instead of many, in the same order and at the same isolation level.
 *
 * It also serves the pages of events and the bookings of users from the services' databases on the same server.
 *
 * Reads DATABASE_URL, PORT and POOL_MAX, the number of database connections.
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
app.get('/events/:id', async (request, response) => {
  const [[row]] = await pool.query<RowDataPacket[]>(
    `SELECT events.id, events.name, venue, events.starts_at AS startsAt, events.status,
            total_seats AS totalSeats, available_seats AS availableSeats, users.name AS organizerName
     FROM event_db.events
     JOIN booking_db.inventories ON event_id = events.id
     JOIN user_db.users ON users.id = events.organizer_id
     WHERE events.id = ?`,
    [request.params.id],
  );
  if (row === undefined) {
    response.status(404).json({ code: 'EVENT_NOT_FOUND' });
    return;
  }
  const { organizerName, ...event } = row;
  response.json({ ...event, organizer: { name: organizerName } });
});

const PAGE_SIZE = 20;
const AFTER_ALL_IDS = '~';

app.get('/users/:id/bookings', async (request, response) => {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT bookings.id, seat_count AS seatCount, bookings.status, bookings.created_at AS createdAt,
            events.id AS eventId, events.name AS eventName
     FROM booking_db.bookings
     JOIN event_db.events ON events.id = event_id
     WHERE user_id = ? AND bookings.id < ?
     ORDER BY bookings.id DESC LIMIT ?`,
    [request.params.id, request.query.after ?? AFTER_ALL_IDS, PAGE_SIZE + 1],
  );
  const bookings = rows
    .slice(0, PAGE_SIZE)
    .map(({ eventId, eventName, ...booking }) => ({ ...booking, event: { id: eventId, name: eventName } }));
  response.json({ bookings, next: rows.length > PAGE_SIZE ? rows[PAGE_SIZE - 1]?.id : null });
});
app.get('/ready', async (_request, response) => {
  await pool.query('SELECT 1');
  response.json({ status: 'ready' });
});
app.listen(Number(process.env.PORT), '127.0.0.1');
