/** undici's client by itself: its main entry loads all of undici, which takes a tenth of a second of each command. */
declare module 'undici/lib/dispatcher/client.js' {
  export { Client as default } from 'undici';
}
