/**
 * The access rights: each line is an operation with its outcome for each reader. The owner has a booking of the
 * organizer's event, with notifications. The other user has nothing. All but the anonymous reader are signed in.
 *
 * yes       `it` is there and contains no null; a list contains the owner's item
 * null      `it` or one of its parents is null
 * absent    the list is there, without the owner's item
 * a code    the operation is refused with this error code
 * a type    the mutation returns this error type
 */
export const READERS = ['anonymous', 'owner', 'other', 'organizer', 'admin'] as const;

export const QUERIES = `
User
  it: me { ...User email }                                                                          | null            | yes            | yes            | yes            | yes
  it: user(id: $user) { ...User email }                                                             | null            | yes            | null           | null           | yes
  users(first: 100) { it: nodes { ...User } pageInfo { ...PageInfo } }                              | UNAUTHENTICATED | FORBIDDEN      | FORBIDDEN      | FORBIDDEN      | yes
  users(first: 100) { it: edges { cursor node { ...User } } }                                       | UNAUTHENTICATED | FORBIDDEN      | FORBIDDEN      | FORBIDDEN      | yes
  users(first: 0) { it: nodes { ...User } }                                                         | UNAUTHENTICATED | FORBIDDEN      | FORBIDDEN      | FORBIDDEN      | BAD_USER_INPUT
  event(id: $event) { it: organizer { ...User } }                                                   | yes             | yes            | yes            | yes            | yes
  event(id: $event) { organizer { it: email } }                                                     | null            | null           | null           | yes            | yes
  booking(id: $booking) { it: user { ...User } }                                                    | null            | yes            | null           | yes            | yes
  booking(id: $booking) { user { it: email } }                                                      | null            | yes            | null           | null           | yes
  notifications(filter: { bookingId: $booking }) { nodes { user { it: email } } }                   | UNAUTHENTICATED | yes            | null           | null           | yes
  it: me { emailVerified }                                                                          | null            | yes            | yes            | yes            | yes
  booking(id: $booking) { user { it: emailVerified } }                                              | null            | yes            | null           | null           | yes
  me { it: sessions { ...ActiveSession } }                                                          | null            | yes            | absent         | absent         | absent
  users(first: 1) { nodes { it: sessions { id } } }                                                 | UNAUTHENTICATED | FORBIDDEN      | FORBIDDEN      | FORBIDDEN      | null
  booking(id: $booking) { user { it: sessions { id } } }                                            | null            | yes            | null           | null           | null
  event(id: $event) { organizer { it: sessions { id } } }                                           | null            | null           | null           | absent         | null

Event
  it: event(id: $event) { ...Event }                                                                | yes             | yes            | yes            | yes            | yes
  it: event(id: $event) { totalSeats availableSeats }                                               | yes             | yes            | yes            | yes            | yes
  event(id: $cancelledEvent) { it: cancellationReason }                                             | yes             | yes            | yes            | yes            | yes
  events(first: 100) { it: nodes { ...Event } pageInfo { ...PageInfo } }                            | yes             | yes            | yes            | yes            | yes
  events(first: 100) { it: edges { cursor node { ...Event } } }                                     | yes             | yes            | yes            | yes            | yes
  event(id: $event) { organizer { events(first: 100) { it: nodes { ...Event } } } }                 | yes             | yes            | yes            | yes            | yes
  event(id: $event) { organizer { events(first: 100) { it: edges { cursor node { ...Event } } } } } | yes             | yes            | yes            | yes            | yes
  event(id: $event) { organizer { it: events(first: 0) { nodes { id } } } }                         | BAD_USER_INPUT  | BAD_USER_INPUT | BAD_USER_INPUT | BAD_USER_INPUT | BAD_USER_INPUT
  me { events(first: 100) { it: nodes { ...Event } } }                                              | null            | absent         | absent         | yes            | absent
  user(id: $user) { it: events(first: 100) { pageInfo { hasNextPage } } }                           | null            | yes            | null           | null           | yes
  booking(id: $booking) { user { it: events { pageInfo { hasNextPage } } } }                        | null            | yes            | null           | yes            | yes
  booking(id: $booking) { it: event { ...Event } }                                                  | null            | yes            | null           | yes            | yes

Booking
  it: booking(id: $booking) { ...Booking }                                                          | null            | yes            | null           | yes            | yes
  bookings(first: 100) { it: nodes { ...Booking } pageInfo { ...PageInfo } }                        | UNAUTHENTICATED | yes            | absent         | absent         | yes
  bookings(first: 100) { it: edges { cursor node { ...Booking } } }                                 | UNAUTHENTICATED | yes            | absent         | absent         | yes
  bookings(filter: { eventId: $event }) { it: nodes { id } }                                        | UNAUTHENTICATED | yes            | absent         | absent         | yes
  bookings(after: $bookingCursor) { it: nodes { id } pageInfo { hasNextPage } }                     | UNAUTHENTICATED | yes            | absent         | absent         | yes
  bookings(first: 0) { it: nodes { id } }                                                           | UNAUTHENTICATED | BAD_USER_INPUT | BAD_USER_INPUT | BAD_USER_INPUT | BAD_USER_INPUT
  event(id: $event) { bookings(first: 100) { it: nodes { ...Booking } } }                           | null            | null           | null           | yes            | yes
  event(id: $event) { bookings(first: 100) { it: edges { node { ...Booking } } } }                  | null            | null           | null           | yes            | yes
  event(id: $event) { it: bookings(first: 100) { pageInfo { hasNextPage } } }                       | null            | null           | null           | yes            | yes
  event(id: $event) { bookings(after: $bookingCursor) { it: nodes { id } } }                        | null            | null           | null           | yes            | yes
  event(id: $event) { it: bookings(first: 0) { nodes { id } } }                                     | null            | null           | null           | BAD_USER_INPUT | BAD_USER_INPUT
  event(id: $event) { it: bookings(after: "none") { nodes { id } } }                                | null            | null           | null           | BAD_USER_INPUT | BAD_USER_INPUT
  event(id: $event) { it: statistics { ...Statistics } }                                            | null            | null           | null           | yes            | yes
  event(id: $event) { statistics { it: byDay(from: "2030-01-01", to: "2030-01-01") { ...Day } } }   | null            | null           | null           | absent         | absent
  event(id: $event) { statistics { it: byDay(from: "2030-01-02", to: "2030-01-01") { date } } }     | null            | null           | null           | BAD_USER_INPUT | BAD_USER_INPUT
  booking(id: $booking) { event { it: statistics { soldSeats } } }                                  | null            | null           | null           | yes            | yes
  booking(id: $booking) { it: attendee { name email } }                                             | null            | null           | null           | yes            | yes
  bookings(first: 1) { nodes { it: attendee { email } } }                                           | UNAUTHENTICATED | null           | null           | yes            | yes
  event(id: $event) { organizer { it: bookings { nodes { id } } } }                                 | null            | null           | null           | yes            | yes
  user(id: $user) { bookings(first: 100) { it: nodes { ...Booking } } }                             | null            | yes            | null           | null           | yes
  user(id: $user) { bookings(first: 100) { it: edges { node { ...Booking } } } }                    | null            | yes            | null           | null           | yes
  booking(id: $booking) { user { bookings(first: 100) { it: nodes { id } } } }                      | null            | yes            | null           | null           | yes
  booking(id: $booking) { user { it: bookings(first: 0) { nodes { id } } } }                        | null            | BAD_USER_INPUT | null           | null           | BAD_USER_INPUT
  notifications(filter: { bookingId: $booking }) { nodes { it: booking { ...Booking } } }           | UNAUTHENTICATED | yes            | null           | null           | yes

Ticket
  booking(id: $hold) { it: ticket { ...Ticket } }                                                   | null            | yes            | null           | null           | yes
  hold(id: $hold) { booking { it: ticket { ...Ticket } } }                                          | null            | yes            | null           | null           | yes
  it: ticketKeys { ...TicketKey }                                                                   | yes             | yes            | yes            | yes            | yes
  event(id: $event) { it: checkedInSeats }                                                          | null            | null           | null           | yes            | yes

Hold
  it: hold(id: $hold) { ...Hold }                                                                   | null            | yes            | null           | yes            | yes
  hold(id: $hold) { it: event { ...Event } }                                                        | null            | yes            | null           | yes            | yes
  hold(id: $hold) { it: booking { id } }                                                            | null            | yes            | null           | yes            | yes
  hold(id: $hold) { it: user { ...User } }                                                          | null            | yes            | null           | yes            | yes
  hold(id: $hold) { user { it: email } }                                                            | null            | yes            | null           | null           | yes
  hold(id: $hold) { user { it: holds { pageInfo { hasNextPage } } } }                               | null            | yes            | null           | null           | yes
  hold(id: $hold) { user { it: holds(first: 0) { nodes { id } } } }                                 | null            | BAD_USER_INPUT | null           | null           | BAD_USER_INPUT
  user(id: $user) { holds(first: 100) { it: nodes { ...Hold } pageInfo { ...PageInfo } } }          | null            | yes            | null           | null           | yes
  user(id: $user) { holds(first: 100) { it: edges { cursor node { ...Hold } } } }                   | null            | yes            | null           | null           | yes
  me { holds(first: 100) { it: nodes { ...Hold } } }                                                | null            | yes            | absent         | absent         | absent
  event(id: $event) { it: heldSeats }                                                               | null            | null           | null           | yes            | yes

WaitlistEntry
  it: waitlistEntry(id: $waitlistEntry) { ...Entry }                                                | null            | yes            | null           | yes            | yes
  waitlistEntry(id: $waitlistEntry) { it: event { ...Event } }                                      | null            | yes            | null           | yes            | yes
  waitlistEntry(id: $waitlistEntry) { it: user { ...User } }                                        | null            | yes            | null           | yes            | yes
  waitlistEntry(id: $waitlistEntry) { user { it: email } }                                          | null            | yes            | null           | null           | yes
  waitlistEntry(id: $waitlistEntry) { it: hold { id seatCount status expiresAt } }                  | null            | yes            | null           | yes            | yes
  waitlistEntry(id: $waitingEntry) { it: entriesAhead }                                             | null            | yes            | null           | yes            | yes
  waitlistEntry(id: $waitlistEntry) { user { it: waitlistEntries { pageInfo { hasNextPage } } } }   | null            | yes            | null           | null           | yes
  waitlistEntry(id: $waitlistEntry) { user { it: waitlistEntries(first: 0) { nodes { id } } } }     | null            | BAD_USER_INPUT | null           | null           | BAD_USER_INPUT
  user(id: $user) { waitlistEntries(first: 100) { it: nodes { ...Entry } pageInfo { ...PageInfo } } } | null            | yes            | null           | null           | yes
  user(id: $user) { waitlistEntries(first: 100) { it: edges { cursor node { ...Entry } } } }        | null            | yes            | null           | null           | yes
  me { waitlistEntries(first: 100) { it: nodes { ...Entry } } }                                     | null            | yes            | absent         | absent         | absent
  event(id: $event) { it: waitingSeats }                                                            | null            | null           | null           | yes            | yes

Notification
  notifications(first: 100) { it: nodes { ...Notification } pageInfo { ...PageInfo } }              | UNAUTHENTICATED | yes            | absent         | absent         | yes
  notifications(first: 100) { it: edges { cursor node { ...Notification } } }                       | UNAUTHENTICATED | yes            | absent         | absent         | yes
  notifications(filter: { bookingId: $booking }) { it: nodes { id } }                               | UNAUTHENTICATED | yes            | absent         | absent         | yes
  notifications(after: $notificationCursor) { it: nodes { id } pageInfo { hasNextPage } }           | UNAUTHENTICATED | yes            | absent         | absent         | yes
  notifications(first: 1, filter: { status: FAILED }) { nodes { it: change { ...EventChange } } }   | UNAUTHENTICATED | yes            | null           | null           | yes
  notifications(first: 1, filter: { status: FAILED }) { nodes { it: booking { id } } }              | UNAUTHENTICATED | null           | null           | null           | null
  booking(id: $booking) { it: notifications { ...Notification } }                                   | null            | yes            | null           | null           | yes
  booking(id: $silentBooking) { it: notifications { ...Notification } }                             | null            | absent         | null           | null           | absent
  notifications(filter: { bookingId: $booking }) { nodes { booking { it: notifications { id } } } } | UNAUTHENTICATED | yes            | null           | null           | yes
  user(id: $user) { notifications(first: 100) { it: nodes { ...Notification } } }                   | null            | yes            | null           | null           | yes
  user(id: $user) { notifications(first: 100) { it: edges { node { ...Notification } } } }          | null            | yes            | null           | null           | yes
  booking(id: $booking) { user { it: notifications { nodes { id } } } }                             | null            | yes            | null           | null           | yes
  booking(id: $booking) { user { it: notifications(first: 0) { nodes { id } } } }                   | null            | BAD_USER_INPUT | null           | null           | BAD_USER_INPUT
  notifications(filter: { bookingId: $offeredHold }) { nodes { it: hold { id } } }                  | UNAUTHENTICATED | yes            | null           | null           | yes
  event(id: $event) { organizer { it: notifications { nodes { id } } } }                            | null            | null           | null           | yes            | yes

DeadLetter
  deadLetters(first: 100) { it: nodes { ...DeadLetter } pageInfo { ...PageInfo } }                  | UNAUTHENTICATED | FORBIDDEN      | FORBIDDEN      | FORBIDDEN      | yes
  deadLetters(first: 100) { it: edges { cursor node { ...DeadLetter } } }                           | UNAUTHENTICATED | FORBIDDEN      | FORBIDDEN      | FORBIDDEN      | yes

Webhook
  it: webhook(id: $webhook) { ...Webhook }                                                          | null            | yes            | null           | null           | yes
  webhook(id: $webhook) { deliveries(first: 100) { it: nodes { ...WebhookDelivery } pageInfo { ...PageInfo } } } | null            | yes            | null           | null           | yes
  webhook(id: $webhook) { deliveries(first: 100) { it: edges { cursor node { ...WebhookDelivery } } } } | null            | yes            | null           | null           | yes
  webhook(id: $webhook) { it: deliveries(first: 0) { nodes { id } } }                               | null            | BAD_USER_INPUT | null           | null           | BAD_USER_INPUT
  me { it: webhooks { ...Webhook } }                                                                | null            | yes            | absent         | absent         | absent
  user(id: $user) { it: webhooks { ...Webhook } }                                                   | null            | yes            | null           | null           | yes
  booking(id: $booking) { user { it: webhooks { id } } }                                            | null            | yes            | null           | null           | yes
  event(id: $event) { organizer { it: webhooks { id } } }                                           | null            | null           | null           | absent         | absent
`;

export const MUTATIONS = `
User
  it: createUser(input: { name: "Newcomer", email: $newEmail, password: $password }) { ...Registration }          | yes             | yes                   | yes                   | yes                   | yes
  it: createUser(input: { name: "Newcomer", email: $email, password: $password }) { ...Registration }             | EmailTakenError | EmailTakenError       | EmailTakenError       | EmailTakenError       | EmailTakenError
  it: signIn(input: { email: $email, password: $password }) { ...SignIn }                                         | yes             | yes                   | yes                   | yes                   | yes
  it: refreshSession(refreshToken: $refreshToken) { ...Refresh }                                                  | yes             | yes                   | yes                   | yes                   | yes
  it: signOut(refreshToken: "unknown")                                                                            | yes             | yes                   | yes                   | yes                   | yes
  it: endSession(id: "unknown")                                                                                   | UNAUTHENTICATED | yes             | yes                  | yes                  | yes
  it: signOutEverywhere                                                                                           | UNAUTHENTICATED | yes             | yes                  | yes                  | yes
  it: changePassword(input: { currentPassword: $newEmail, newPassword: $password }) { ...PasswordChange }         | UNAUTHENTICATED | InvalidCredentialsError | InvalidCredentialsError | InvalidCredentialsError | InvalidCredentialsError
  it: changePassword(input: { currentPassword: $password, newPassword: $password }) { ...PasswordChange }         | UNAUTHENTICATED | yes             | yes                  | yes                  | yes
  it: requestPasswordReset(email: $newEmail)                                                                      | yes             | yes             | yes                  | yes                  | yes
  it: resetPassword(input: { token: "unknown", newPassword: $password }) { ...PasswordReset }                     | InvalidTokenError | InvalidTokenError | InvalidTokenError    | InvalidTokenError    | InvalidTokenError
  it: requestEmailVerification                                                                                    | UNAUTHENTICATED | yes             | yes                  | yes                  | yes
  it: verifyEmail(token: "unknown") { ...Verification }                                                           | InvalidTokenError | InvalidTokenError | InvalidTokenError    | InvalidTokenError    | InvalidTokenError
  it: deleteAccount(input: { password: $newEmail }) { ...Deletion }                                               | UNAUTHENTICATED | InvalidCredentialsError | InvalidCredentialsError | InvalidCredentialsError | InvalidCredentialsError

Event
  it: createEvent(input: { name: "Another", startsAt: $tomorrow, totalSeats: 1 }) { ...Creation }                 | UNAUTHENTICATED | yes                   | yes                   | yes                   | yes
  it: updateEvent(input: { id: $event, expectedVersion: 1 }) { ...Revision }                                      | UNAUTHENTICATED | FORBIDDEN             | FORBIDDEN             | yes                   | yes
  it: cancelEvent(input: { id: $cancelledEvent, expectedVersion: 2 }) { ...Revision }                             | UNAUTHENTICATED | FORBIDDEN             | FORBIDDEN             | yes                   | yes
  it: setEventCapacity(input: { eventId: $event, totalSeats: 100 }) { ...Capacity }                               | UNAUTHENTICATED | FORBIDDEN             | FORBIDDEN             | yes                   | yes

Booking
  it: createBooking(input: { eventId: $event, idempotencyKey: "for-itself" }) { ...Order }                        | UNAUTHENTICATED | yes                   | yes                   | yes                   | yes
  it: createBooking(input: { eventId: $event, idempotencyKey: "for-the-owner", userId: $user }) { ...Order }      | UNAUTHENTICATED | yes                   | FORBIDDEN             | FORBIDDEN             | yes
  it: createBooking(input: { eventId: $unopenedEvent, idempotencyKey: "too-early" }) { ...Order }                 | UNAUTHENTICATED | SalesNotStartedError  | SalesNotStartedError  | SalesNotStartedError  | SalesNotStartedError
  it: createBooking(input: { eventId: $closedEvent, idempotencyKey: "too-late" }) { ...Order }                    | UNAUTHENTICATED | SalesEndedError       | SalesEndedError       | SalesEndedError       | SalesEndedError
  it: createBooking(input: { eventId: $limitedEvent, seatCount: 2, idempotencyKey: "too-many" }) { ...Order }     | UNAUTHENTICATED | UserLimitReachedError | UserLimitReachedError | UserLimitReachedError | UserLimitReachedError
  it: createBooking(input: { eventId: $busyEvent, idempotencyKey: "in-the-line", place: "forged" }) { ...Order }  | UNAUTHENTICATED | QueuedError           | QueuedError           | QueuedError           | QueuedError
  it: cancelBooking(input: { id: $booking }) { ...Cancellation }                                                  | UNAUTHENTICATED | yes                   | BookingNotFoundError  | BookingNotFoundError  | yes
  it: cancelBooking(input: { id: $lateBooking, reason: "ill" }) { ...Cancellation }                               | UNAUTHENTICATED | CancellationClosedError | BookingNotFoundError | BookingNotFoundError | yes
  cancelBooking(input: { id: $booking }) { ... on CancelBookingPayload { booking { user { it: email } } } }       | UNAUTHENTICATED | yes                   | null                  | null                  | yes
  cancelBooking(input: { id: $booking }) { ... on CancelBookingPayload { booking { it: notifications { id } } } } | UNAUTHENTICATED | yes                   | null                  | null                  | yes

Hold
  it: holdSeats(input: { eventId: $heldEvent, idempotencyKey: "for-itself" }) { ...Holding }                      | UNAUTHENTICATED | yes                   | yes                   | yes                   | yes
  it: holdSeats(input: { eventId: $limitedEvent, seatCount: 2, idempotencyKey: "too-many" }) { ...Holding }       | UNAUTHENTICATED | UserLimitReachedError | UserLimitReachedError | UserLimitReachedError | UserLimitReachedError
  it: holdSeats(input: { eventId: $busyEvent, idempotencyKey: "in-the-line" }) { ...Holding }                      | UNAUTHENTICATED | QueuedError           | QueuedError           | QueuedError           | QueuedError
  it: confirmHold(input: { id: $hold }) { ...Confirmation }                                                       | UNAUTHENTICATED | yes                   | HoldNotFoundError     | HoldNotFoundError     | yes
  it: confirmHold(input: { id: $releasedHold }) { ...Confirmation }                                               | UNAUTHENTICATED | HoldEndedError        | HoldNotFoundError     | HoldNotFoundError     | HoldEndedError
  it: releaseHold(input: { id: $hold }) { ...Release }                                                            | UNAUTHENTICATED | HoldConfirmedError    | HoldNotFoundError     | HoldNotFoundError     | HoldConfirmedError
  it: releaseHold(input: { id: $releasedHold }) { ...Release }                                                    | UNAUTHENTICATED | yes                   | HoldNotFoundError     | HoldNotFoundError     | yes

WaitlistEntry
  it: joinWaitlist(input: { eventId: $soldOutEvent }) { ...Joining }                                              | UNAUTHENTICATED | yes                   | yes                   | yes                   | yes
  it: joinWaitlist(input: { eventId: $soldOutEvent, seatCount: 2 }) { ...Joining }                                | UNAUTHENTICATED | AlreadyWaitingError   | AlreadyWaitingError   | AlreadyWaitingError   | AlreadyWaitingError
  it: joinWaitlist(input: { eventId: $heldEvent }) { ...Joining }                                                 | UNAUTHENTICATED | SeatsAvailableError   | SeatsAvailableError   | SeatsAvailableError   | SeatsAvailableError
  it: leaveWaitlist(input: { id: $leftEntry }) { ...Leaving }                                                     | UNAUTHENTICATED | yes                   | WaitlistEntryNotFoundError | WaitlistEntryNotFoundError | yes
  it: leaveWaitlist(input: { id: $waitlistEntry }) { ...Leaving }                                                 | UNAUTHENTICATED | SeatsOfferedError     | WaitlistEntryNotFoundError | WaitlistEntryNotFoundError | SeatsOfferedError

Ticket
  it: checkIn(input: { eventId: $event, code: $ticket, seats: 1, deviceKey: "first-door" }) { ...Door }           | UNAUTHENTICATED | FORBIDDEN             | FORBIDDEN             | yes                   | yes
  it: checkIn(input: { eventId: $event, code: $ticket, seats: 2, deviceKey: "first-door" }) { ...Door }           | UNAUTHENTICATED | FORBIDDEN             | FORBIDDEN             | IdempotencyKeyReusedError | IdempotencyKeyReusedError
  it: checkIn(input: { eventId: $event, code: $ticket, seats: 1, deviceKey: "second-door" }) { ...Door }          | UNAUTHENTICATED | FORBIDDEN             | FORBIDDEN             | TooManySeatsError     | TooManySeatsError
  it: checkIn(input: { eventId: $event, code: $cancelledTicket, seats: 1, deviceKey: "first-door" }) { ...Door }  | UNAUTHENTICATED | FORBIDDEN             | FORBIDDEN             | TicketCancelledError  | TicketCancelledError
  it: checkIn(input: { eventId: $heldEvent, code: $ticket, seats: 1, deviceKey: "first-door" }) { ...Door }       | UNAUTHENTICATED | FORBIDDEN             | FORBIDDEN             | WrongEventError       | WrongEventError
  it: checkIn(input: { eventId: $event, code: "forged", seats: 1, deviceKey: "first-door" }) { ...Door }          | UNAUTHENTICATED | FORBIDDEN             | FORBIDDEN             | InvalidTicketError    | InvalidTicketError
  it: cancelBooking(input: { id: $hold }) { ...Cancellation }                                                     | UNAUTHENTICATED | BookingCheckedInError | BookingNotFoundError  | BookingNotFoundError  | BookingCheckedInError

Notification
  it: retryNotification(id: $failedNotification) { ...Retry }                                                     | UNAUTHENTICATED | FORBIDDEN             | FORBIDDEN             | FORBIDDEN             | yes
  it: redriveDeadLetter(id: $deadLetter) { ...Redrive }                                                           | UNAUTHENTICATED | FORBIDDEN             | FORBIDDEN             | FORBIDDEN             | yes
  it: retryNotifications(filter: { userId: $user }) { ...BulkRetry }                                              | UNAUTHENTICATED | FORBIDDEN             | FORBIDDEN             | FORBIDDEN             | yes
  it: redriveDeadLetters(filter: { subject: "none" }) { ...BulkRedrive }                                          | UNAUTHENTICATED | FORBIDDEN             | FORBIDDEN             | FORBIDDEN             | yes

Webhook
  it: createWebhook(input: { url: "https://tickets.example/new", kinds: [EVENT_CREATED] }) { ...NewWebhook }      | UNAUTHENTICATED | yes                   | yes                   | yes                   | yes
  it: createWebhook(input: { url: $webhookUrl, kinds: [EVENT_CREATED] }) { ...NewWebhook }                        | UNAUTHENTICATED | WebhookExistsError    | yes                   | yes                   | yes
  it: updateWebhook(input: { id: $webhook }) { ...WebhookChange }                                                 | UNAUTHENTICATED | yes                   | WebhookNotFoundError  | WebhookNotFoundError  | yes
  it: rotateWebhookSecret(id: $webhook) { ...WebhookRotation }                                                    | UNAUTHENTICATED | yes                   | WebhookNotFoundError  | WebhookNotFoundError  | FORBIDDEN
  it: redeliverWebhook(deliveryId: $activeDelivery) { ...Redelivery }                                             | UNAUTHENTICATED | yes                   | WebhookDeliveryNotFoundError | WebhookDeliveryNotFoundError | yes
  it: redeliverWebhook(deliveryId: $webhookDelivery) { ...Redelivery }                                            | UNAUTHENTICATED | WebhookDisabledError  | WebhookDeliveryNotFoundError | WebhookDeliveryNotFoundError | WebhookDisabledError
  it: deleteWebhook(id: $oldWebhook) { ...WebhookRemoval }                                                        | UNAUTHENTICATED | yes                   | WebhookNotFoundError  | WebhookNotFoundError  | WebhookNotFoundError
  it: deleteWebhook(id: $webhookOfNobody) { ...WebhookRemoval }                                                   | UNAUTHENTICATED | WebhookNotFoundError  | WebhookNotFoundError  | WebhookNotFoundError  | yes
`;

/** The first answer of each subscription. tests/live-seats.e2e.test.ts checks the following ones. */
export const SUBSCRIPTIONS = `
Event
  it: eventSeats(eventId: $event) { ...Event }                                    | yes             | yes  | yes  | yes  | yes
  it: eventSeats(eventId: $event) { totalSeats availableSeats }                   | yes             | yes  | yes  | yes  | yes
  eventSeats(eventId: $event) { it: heldSeats }                                   | null            | null | null | yes  | yes
  eventSeats(eventId: $event) { it: checkedInSeats }                              | null            | null | null | yes  | yes
  eventSeats(eventId: $event) { it: statistics { soldSeats } }                    | null            | null | null | yes  | yes
  eventSeats(eventId: $event) { organizer { it: email } }                         | null            | null | null | yes  | yes
  eventSeats(eventId: $event) { bookings(first: 50) { it: nodes { ...Booking } } }  | null            | null | null | yes  | yes

Booking
  it: myBookings { kind }                                                         | UNAUTHENTICATED | yes  | yes  | yes  | yes
  myBookings { it: booking { ...Booking } }                                       | UNAUTHENTICATED | null | null | null | null
`;

/** Entities by reference, requested from the subgraph itself with the gateway's proof: subgraph, type and fields. */
export const ENTITIES = `
user
  User { ...User }                                                     | yes  | yes            | yes  | yes            | yes
  User { it: email }                                                   | null | yes            | null | null           | yes
  User { it: emailVerified }                                           | null | yes            | null | null           | yes
  User { it: sessions { ...ActiveSession } }                           | null | absent         | null | null           | null

event
  Event { ...Event }                                                   | yes  | yes            | yes  | yes            | yes
  User { it: events(first: 100) { pageInfo { hasNextPage } } }         | yes  | yes            | yes  | yes            | yes

booking
  Booking { ...Booking }                                               | null | yes            | null | yes            | yes
  Booking { it: attendee { email } }                                   | null | null           | null | yes            | yes
  Hold { ...Hold }                                                     | null | yes            | null | yes            | yes
  WaitlistEntry { ...Entry }                                           | null | yes            | null | yes            | yes
  Event { it: availableSeats }                                         | yes  | yes            | yes  | yes            | yes
  Event { it: heldSeats }                                              | null | null           | null | yes            | yes
  Event { it: waitingSeats }                                           | null | null           | null | yes            | yes
  Event { it: checkedInSeats }                                         | null | null           | null | yes            | yes
  Event { it: statistics { ...Statistics } }                           | null | null           | null | yes            | yes
  Event { bookings(first: 100) { it: nodes { ...Booking } } }          | null | null           | null | yes            | yes
  Event { bookings(first: 100) { it: edges { node { ...Booking } } } } | null | null           | null | yes            | yes
  Event { it: bookings(first: 0) { nodes { id } } }                    | null | null           | null | BAD_USER_INPUT | BAD_USER_INPUT
  User { bookings(first: 100) { it: nodes { ...Booking } } }           | null | yes            | null | null           | yes
  User { it: bookings(first: 0) { nodes { id } } }                     | null | BAD_USER_INPUT | null | null           | BAD_USER_INPUT
  User { holds(first: 100) { it: nodes { ...Hold } } }                 | null | yes            | null | null           | yes
  User { waitlistEntries(first: 100) { it: nodes { ...Entry } } }      | null | yes            | null | null           | yes

notification
  Notification { ...Notification }                                     | null | yes            | null | null           | yes
  Booking { it: notifications { ...Notification } }                    | null | yes            | null | null           | yes
  User { notifications(first: 100) { it: nodes { ...Notification } } } | null | yes            | null | null           | yes
  User { it: notifications(first: 0) { nodes { id } } }                | null | BAD_USER_INPUT | null | null           | BAD_USER_INPUT
  User { it: webhooks { ...Webhook } }                                 | null | yes            | null | null           | yes
`;

/** The fragments of the lines above: every field that each reader of the object sees. */
export const FRAGMENTS = `
fragment User on User { id name role createdAt deleted }
fragment ActiveSession on ActiveSession { id createdAt lastUsedAt expiresAt current }
fragment Event on Event {
  id name description venue startsAt timeZone salesStartAt salesEndAt maxSeatsPerUser cancellationDeadline status organizer { id } version cached
  createdAt updatedAt
}
fragment Booking on Booking { id event { id } user { id } seatCount status createdAt cancelledAt cancellationReason checkedInSeats }
fragment Ticket on Ticket { code qrSvg }
fragment TicketKey on TicketKey { id publicKey }
fragment Statistics on EventStatistics { soldSeats heldSeats waitingSeats checkedInSeats cancelledSeats confirmedBookings cancelledBookings }
fragment Day on EventDay { date soldSeats cancelledSeats confirmedBookings cancelledBookings }
fragment Hold on Hold {
  id event { id } user { id } seatCount status createdAt expiresAt endedAt booking { id }
}
fragment Entry on WaitlistEntry { id event { id } user { id } seatCount status createdAt endedAt hold { id } }
fragment Notification on Notification {
  id kind channel status attempts booking { id } event { id } user { id } createdAt sentAt
}
fragment EventChange on EventChange { startsAt previousStartsAt venue previousVenue }
fragment DeadLetter on DeadLetter { id consumer subject payload reason deliveries createdAt redrivenAt }
fragment PageInfo on PageInfo { hasNextPage endCursor }
fragment Session on Session { accessToken refreshToken expiresAt user { ...User email } }
fragment Registration on CreateUserResult {
  __typename ...Session ... on EmailTakenError { code message } ... on InvalidInputError { code message field }
}
fragment SignIn on SignInResult { __typename ...Session ... on InvalidCredentialsError { code message } }
fragment Refresh on RefreshSessionResult { __typename ...Session ... on DomainError { code message } }
fragment PasswordChange on ChangePasswordResult {
  __typename ... on ChangePasswordPayload { user { id } } ... on InvalidCredentialsError { code message }
}
fragment PasswordReset on ResetPasswordResult { __typename ...Session ... on InvalidTokenError { code message } }
fragment Verification on VerifyEmailResult {
  __typename ... on VerifyEmailPayload { user { id } } ... on InvalidTokenError { code message }
}
fragment Deletion on DeleteAccountResult {
  __typename ... on DeleteAccountPayload { deletedAt } ... on AdminAccountError { code message }
  ... on InvalidCredentialsError { code message }
}
fragment Creation on CreateEventResult {
  __typename ... on CreateEventPayload { event { id } replayed } ... on IdempotencyKeyReusedError { code message }
}
fragment Revision on UpdateEventResult {
  __typename
  ... on UpdateEventPayload { event { id } }
  ... on EventNotFoundError { code message }
  ... on EventStartedError { code message }
  ... on VersionConflictError { code message currentVersion }
}
fragment Capacity on SetEventCapacityResult {
  __typename
  ... on SetEventCapacityPayload { event { totalSeats } }
  ... on CapacityBelowBookedError { code message bookedSeats }
}
fragment Order on CreateBookingResult {
  __typename
  ... on CreateBookingPayload { booking { id user { id } } replayed }
  ... on SoldOutError { code message availableSeats }
  ... on EventNotBookableError { code message }
  ... on SalesNotStartedError { code message salesStartAt }
  ... on SalesEndedError { code message salesEndAt }
  ... on UserLimitReachedError { code message maxSeatsPerUser seatsLeft }
  ... on QueuedError { code message place position comeBackAt }
  ... on IdempotencyKeyReusedError { code message }
}
fragment Cancellation on CancelBookingResult {
  __typename
  ... on CancelBookingPayload { booking { ...Booking } }
  ... on BookingCheckedInError { code message checkedInSeats }
  ... on BookingNotFoundError { code message }
  ... on CancellationClosedError { code message cancellationDeadline }
}
fragment Holding on HoldSeatsResult {
  __typename
  ... on HoldSeatsPayload { hold { id user { id } } replayed }
  ... on UserLimitReachedError { code message maxSeatsPerUser seatsLeft }
}
fragment Confirmation on ConfirmHoldResult {
  __typename
  ... on ConfirmHoldPayload { booking { id user { id } } replayed }
  ... on HoldEndedError { code message endedAt }
  ... on HoldNotFoundError { code message }
}
fragment Release on ReleaseHoldResult {
  __typename
  ... on ReleaseHoldPayload { hold { ...EndedHold } }
  ... on HoldConfirmedError { code message bookingId }
  ... on HoldNotFoundError { code message }
}
fragment Door on CheckInResult {
  __typename
  ... on CheckInPayload { booking { id user { id } } seats checkedInAt replayed }
  ... on InvalidTicketError { code message }
  ... on WrongEventError { code message eventId }
  ... on TicketCancelledError { code message cancelledAt }
  ... on TooManySeatsError { code message seatsLeft }
  ... on IdempotencyKeyReusedError { code message }
}
fragment EndedHold on Hold { id event { id } user { id } seatCount status createdAt expiresAt endedAt }
fragment Joining on JoinWaitlistResult {
  __typename
  ... on JoinWaitlistPayload { entry { id user { id } } replayed }
  ... on AlreadyWaitingError { code message entryId seatCount }
  ... on SeatsAvailableError { code message availableSeats }
}
fragment Leaving on LeaveWaitlistResult {
  __typename
  ... on LeaveWaitlistPayload { entry { id event { id } user { id } seatCount status createdAt endedAt } }
  ... on SeatsOfferedError { code message holdId }
  ... on WaitlistEntryNotFoundError { code message }
}
fragment Retry on RetryNotificationResult {
  __typename ... on RetryNotificationPayload { notification { id } } ... on NotificationNotFoundError { code message }
}
fragment BulkRetry on RetryNotificationsResult {
  __typename ... on RetryNotificationsPayload { retriedCount hasMore } ... on InvalidInputError { code message field }
}
fragment BulkRedrive on RedriveDeadLettersResult {
  __typename ... on RedriveDeadLettersPayload { redrivenCount hasMore } ... on InvalidInputError { code message field }
}
fragment Webhook on Webhook { id url kinds enabled disabledReason createdAt }
fragment WebhookDelivery on WebhookDelivery {
  id messageId kind status attempts nextAttemptAt createdAt deliveredAt
  log { startedAt durationMs statusCode error }
}
fragment NewWebhook on CreateWebhookResult {
  __typename
  ... on CreateWebhookPayload { webhook { id } secret }
  ... on WebhookExistsError { code message webhook { id } }
  ... on WebhookLimitReachedError { code message limit }
}
fragment WebhookChange on UpdateWebhookResult {
  __typename ... on UpdateWebhookPayload { webhook { id } } ... on WebhookNotFoundError { code message }
}
fragment WebhookRotation on RotateWebhookSecretResult {
  __typename
  ... on RotateWebhookSecretPayload { webhook { id } secret previousValidUntil }
  ... on WebhookNotFoundError { code message }
}
fragment Redelivery on RedeliverWebhookResult {
  __typename
  ... on RedeliverWebhookPayload { delivery { id } }
  ... on WebhookDeliveryNotFoundError { code message }
  ... on WebhookDisabledError { code message }
}
fragment WebhookRemoval on DeleteWebhookResult {
  __typename ... on DeleteWebhookPayload { id } ... on WebhookNotFoundError { code message }
}
fragment Redrive on RedriveDeadLetterResult {
  __typename ... on RedriveDeadLetterPayload { deadLetter { id } } ... on DeadLetterNotFoundError { code message }
}
`;
