/** The demo catalogue: who is registered, what takes place, and who has booked what. It is the same in every run. */

export interface SeedUser {
  readonly name: string;
  readonly email: string;
  readonly role: 'USER' | 'ADMIN';
}
export interface SeedEvent {
  readonly name: string;
  readonly description: string;
  readonly venue: string;
  /** The start, in minutes after midnight UTC of the day of the seed. */
  readonly startsInMinutes: number;
  readonly totalSeats: number;
  readonly organizer: SeedUser;
  readonly isCancelled: boolean;
  readonly bookings: readonly SeedBooking[];
}
export interface SeedBooking {
  readonly user: SeedUser;
  readonly seatCount: number;
  readonly isCancelled: boolean;
}

/** All demo accounts have this password. It is public, so the demo data is for development only. */
export const DEMO_PASSWORD = 'demo-password-123';

const account = (name: string, email: string, role: SeedUser['role'] = 'USER'): SeedUser => ({
  name,
  email: `${email}@example.com`,
  role,
});
export const DEMO_USER = account('Demo User', 'demo');
export const DEMO_ADMIN = account('Demo Admin', 'admin', 'ADMIN');

const ORGANIZERS = {
  philharmonic: account('Harbour Philharmonic', 'tickets.philharmonic'),
  jazz: account('Blue Door Jazz Club', 'tickets.bluedoor'),
  theatre: account('Old Town Theatre', 'tickets.oldtown'),
  tech: account('Riverside Tech Meetups', 'tickets.riverside'),
  sports: account('City Sports Office', 'tickets.sports'),
  museum: account('Museum of the Sea', 'tickets.museum'),
  food: account('The Long Table', 'tickets.longtable'),
  family: account('Puppet House', 'tickets.puppets'),
  demo: DEMO_USER,
};

const FIRST_NAMES =
  'Amara Ben Chiara Daniel Elif Farid Grace Hugo Ines Jonas Kavya Liam Mei Noah Olga Pedro Rosa Samir Tilda Yuki';
const LAST_NAMES =
  'Adeyemi Bauer Costa Diallo Eriksen Fischer Garcia Haddad Ivanova Jansen Kim Lopez Moreau Novak Okafor Patel Rossi Sato Weber Young';
const USERS = 200;

/** Users who organize nothing. Names repeat, but no two users have the same first and last name. */
function createGuests(count: number): SeedUser[] {
  const [firsts, lasts] = [FIRST_NAMES.split(' '), LAST_NAMES.split(' ')];
  return Array.from({ length: count }, (_, index) => {
    const first = firsts[index % firsts.length] ?? '';
    const last = lasts[(index * 7 + Math.floor(index / firsts.length)) % lasts.length] ?? '';
    return account(`${first} ${last}`, `${first}.${last}`.toLowerCase());
  });
}

/** How much of an event is booked. */
type Demand = 'quiet' | 'usual' | 'nearly sold out' | 'sold out';
type Line = [
  organizer: keyof typeof ORGANIZERS,
  name: string,
  venue: string,
  description: string,
  inDays: number,
  time: string,
  totalSeats: number,
  demand: Demand,
  cancelled?: 'cancelled',
];

// biome-ignore format: one event on each line
const LINES: Line[] = [
  ['demo', 'Last Table at the Lighthouse', 'The Lighthouse', 'Dinner for two, above the sea.', 7, '19:30', 2, 'quiet'],
  ['demo', 'Chamber Music at the Old Mill', 'The Old Mill, Great Hall', 'Three string quartets by candlelight.', 14, '19:30', 120, 'usual'],
  ['demo', 'TypeScript Without a Build Step', 'Riverside Campus, Room 2', 'A workshop on Node and type stripping.', 21, '19:30', 40, 'usual'],
  ['demo', 'City Marathon', 'Market Square', 'Once around the old town, twice along the river.', 45, '19:30', 5_000, 'usual'],
  ['demo', 'Open-Air Cinema: Metropolis', 'Botanical Garden', 'The film of 1927, with a live pianist.', 60, '19:30', 300, 'usual'],
  ['philharmonic', 'Beethoven: The Ninth', 'Harbour Hall', 'With the City Choir and four soloists.', 9, '20:00', 900, 'usual'],
  ['philharmonic', 'Morning Concert for Families', 'Harbour Hall, Foyer', 'Forty minutes of music on cushions.', 12, '10:30', 90, 'sold out'],
  ['philharmonic', 'Film Music Night', 'Harbour Hall', 'An evening of music from space and from the jungle.', 30, '20:00', 900, 'usual'],
  ['philharmonic', 'Requiem in the Cathedral', 'Cathedral of St. Anne', 'Mozart by candlelight.', 40, '19:00', 450, 'quiet'],
  ['jazz', 'Late Set: The Novak Trio', 'The Blue Door', 'Piano, bass and drums until midnight.', 3, '22:00', 60, 'sold out'],
  ['jazz', 'Open Stage Tuesday', 'The Blue Door', 'Bring your instrument, or only your ears.', 6, '20:30', 60, 'usual'],
  ['jazz', 'Berlin Jazz Night', 'The Blue Door', 'Four bands, one night.', 18, '20:00', 80, 'usual'],
  ['jazz', 'New Year at the Blue Door', 'The Blue Door', 'Swing, soup and a toast at midnight.', 33, '21:00', 48, 'nearly sold out'],
  ['theatre', 'The Tempest', 'Old Town Theatre', 'Shakespeare on a stage full of water.', 5, '19:30', 320, 'usual'],
  ['theatre', 'The Tempest: Talk With the Cast', 'Old Town Theatre, Studio', 'An hour with the actors and the director.', 8, '18:00', 40, 'sold out'],
  ['theatre', 'Improv Against the Clock', 'Old Town Theatre, Studio', 'Two teams and your ideas.', 16, '20:00', 70, 'usual'],
  ['theatre', 'Open-Air Faust', 'Castle Courtyard', 'Cancelled: the courtyard is being repaired.', 25, '20:30', 400, 'usual', 'cancelled'],
  ['tech', 'GraphQL Federation in Practice', 'Riverside Campus, Auditorium', 'Four teams, one graph, and what went wrong.', 10, '18:30', 150, 'usual'],
  ['tech', 'An Evening on Databases', 'Riverside Campus, Room 1', 'Row locks, indexes and pizza.', 17, '18:30', 60, 'usual'],
  ['tech', 'Repair Café', 'Riverside Campus, Workshop', 'We repair your lamp together.', 22, '14:00', 35, 'quiet'],
  ['tech', 'Weekend Hackathon', 'Riverside Campus', 'Two days for an app that helps a neighbour.', 38, '09:00', 120, 'usual'],
  ['sports', 'Harbour Swim', 'East Pier', '1,500 metres in open water.', 28, '08:00', 250, 'usual'],
  ['sports', 'Cup Final: North v. South', 'City Stadium', 'The last match of the season.', 35, '17:00', 12_000, 'usual'],
  ['sports', 'Night Run', 'River Park', 'Five kilometres with a head torch.', 50, '21:00', 600, 'quiet'],
  ['museum', 'Night at the Aquarium', 'Museum of the Sea', 'Bring a sleeping bag. The sharks are awake.', 11, '19:00', 50, 'usual'],
  ['museum', 'Lecture: What Whales Say', 'Museum of the Sea, Library', 'A biologist plays her recordings.', 20, '19:00', 80, 'usual'],
  ['food', 'Bread Baking for Beginners', 'The Long Table, Kitchen', 'You take your own loaf home.', 13, '10:00', 30, 'usual'],
  ['food', 'A Dinner of Ten Courses', 'The Long Table', 'One long table, one menu, no telephones.', 27, '19:00', 44, 'usual'],
  ['family', 'Puppet Show: The Little Bear', 'Puppet House', 'For children of three years and older.', 4, '15:00', 75, 'usual'],
  ['family', 'Build Your Own Puppet', 'Puppet House, Attic', 'Wood, wool and paint for children of six and older.', 19, '14:00', 32, 'usual'],
];

/** The events that the demo user has booked, and whether the user cancelled the booking. */
const DEMO_BOOKINGS: Readonly<Record<string, boolean>> = {
  'Beethoven: The Ninth': false,
  'Late Set: The Novak Trio': false,
  'GraphQL Federation in Practice': false,
  'Open-Air Faust': false,
  'Harbour Swim': true,
};

const BOOKINGS_PER_EVENT = 13;
const SEATS_LEFT_NEARLY = 2;
/** Has no common divisor with the number of guests, so that the steps reach every guest once. */
const STEP = 37;
const MINUTES_PER_DAY = 24 * 60;

/** Returns the bookings of an event. Together they never exceed the seats of the event. */
function createBookings(guests: readonly SeedUser[], line: Line, index: number): SeedBooking[] {
  const [, name, , , , , totalSeats, demand] = line;
  const left = { 'sold out': 0, 'nearly sold out': SEATS_LEFT_NEARLY, usual: undefined, quiet: undefined }[demand];
  const bookingsMax = left === undefined ? (demand === 'usual' ? BOOKINGS_PER_EVENT : 0) : guests.length;
  const isDemos = name in DEMO_BOOKINGS;
  let free = totalSeats - (left ?? 0);
  const bookings: SeedBooking[] = [];
  for (let turn = 0; turn < bookingsMax && free > 0; turn += 1) {
    const user = isDemos && turn === 0 ? DEMO_USER : guests[(index * 11 + turn * STEP) % guests.length];
    const seatCount = Math.min(1 + ((index + turn * 3) % 4), free);
    const isCancelled = user === DEMO_USER ? DEMO_BOOKINGS[name] === true : left === undefined && turn === 6;
    if (user !== undefined) bookings.push({ user, seatCount, isCancelled });
    free -= seatCount;
  }
  return bookings;
}

/** Returns the whole catalogue: 200 users and 30 events with their bookings. */
export function createCatalogue(): { users: readonly SeedUser[]; events: readonly SeedEvent[] } {
  const known = [DEMO_ADMIN, ...Object.values(ORGANIZERS)];
  const guests = createGuests(USERS - known.length);
  const events = LINES.map((line, index): SeedEvent => {
    const [organizer, name, venue, description, inDays, time, totalSeats, , cancelled] = line;
    const [hours = 0, minutes = 0] = time.split(':').map(Number);
    return {
      name,
      description,
      venue,
      startsInMinutes: inDays * MINUTES_PER_DAY + hours * 60 + minutes,
      totalSeats,
      organizer: ORGANIZERS[organizer],
      isCancelled: cancelled !== undefined,
      bookings: createBookings(guests, line, index),
    };
  });
  return { users: [...known, ...guests], events };
}
