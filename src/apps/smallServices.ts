import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** What serves one connection; it ends when both directions have ended, and throws what went wrong. */
export type Service = (socket: Duplex) => Promise<void>;

/** The printing characters of ASCII, space to tilde. */
const FIRST_CHARACTER = 0x20;
const CHARACTERS = 95;
/** Characters of a line of chargen. */
const LINE_LENGTH = 72;
/** A multiple of the lines after which the pattern begins again. */
const LINES_AT_ONCE = 10 * CHARACTERS;
const LINES = characterLines();

/** Sends back what it receives, and its end. @rfc 862 */
export async function echo(socket: Duplex): Promise<void> {
  await pipeline(socket, socket);
}

/** Throws away what it receives, and ends when the peer does. @rfc 863 */
export async function discard(socket: Duplex): Promise<void> {
  socket.resume();
  await ended(socket);
  socket.end();
}

/** Sends lines of printing characters until the peer ends, and throws away what it sends. @rfc 864 */
export async function chargen(socket: Duplex): Promise<void> {
  let over = false;
  socket.resume();
  socket.once('end', () => {
    over = true;
  });
  await pipeline(function* () {
    while (!over) yield LINES;
  }, socket);
}

/** The pattern of RFC 864: each line begins one character later than the one before. */
function characterLines(): Buffer {
  let text = '';
  for (let line = 0; line < LINES_AT_ONCE; line++) {
    for (let i = 0; i < LINE_LENGTH; i++) {
      text += String.fromCharCode(FIRST_CHARACTER + ((line + i) % CHARACTERS));
    }
    text += '\r\n';
  }
  return Buffer.from(text, 'latin1');
}

function ended(stream: Duplex): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once('end', resolve);
    stream.once('error', reject);
    stream.once('close', resolve);
  });
}
