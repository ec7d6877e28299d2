"""Texts for comparing with the reference library, and what is looked for in them."""

# ruff: noqa: RUF001 - other scripts look alike on purpose

import json
from pathlib import Path
from unicodedata import category

from spacy_gliner.pipeline.words import WORD_PATTERN

WRITTEN = Path(__file__).parents[3] / "shared/data/written/dev.jsonl"
LABELS = ("person", "city or country", "company", "chemical compound", "Product", "sum of money")

TEXTS = (
    "Ingrid Solvang resigned as chair of Nordhavn Shipping on Tuesday, two days before the vote.",
    "The ferry from Tromsø to Longyearbyen was cancelled because of wind, the harbour said.",
    "Lisbon and Nairobi will share the 2031 summit; Ottawa withdrew its bid in March.",
    "Shares of Velmora Robotics fell 14.3% after the Zurich court froze CHF 2,750,000.50 of cash.",
    'Mayor O\'Donnell-Achebe called it "a bridge to nowhere", and the council laughed.',
    "Stir 3.5 g of sodium borohydride into 40 mL of ice-cold methanol under argon.",
    "The 2,4-dinitrophenol was recrystallised twice from ethanol (m.p. 112.5 °C).",
    "At pH 7.4 the carboxylic acid group of ibuprofen is almost fully ionised.",
    "Yields of poly(methyl_methacrylate) rose from 61 % to 88 % with AIBN as initiator.",
    "Traces of lead(II) nitrate and Fe3O4 were found in the Danube near Novi_Sad.",
    "Jean-Baptiste van der Meer-Okonkwo signed for FC Sparta-Rotterdam yesterday.",
    "user_name_42 wrote to admin-team_7 about the e-mail that never came.",
    "The half-life of iodine-131 is 8.02 days, that of caesium-137 about 30.1 years.",
    "Version 10.4.2-rc1 of libfoo_bar breaks on Windows Server 2019, not on 2022.",
    "See https://docs.example.org/v2/guide.html?lang=en#install or write to help@example.org.",
    "Download setup.exe from ftp://mirror.example.net:2121/pub/ and check its SHA-256 first.",
    "Great concert last night 🎸🔥, thanks @mila_b and everybody in Kraków!",
    "lunch w/ sam @ café rouge 🍝 ... 10/10 would go again :-)",
    "#ClimateStrike: 20,000 people marched in Hamburg, police say; 35,000, say the organisers.",
    "“Nobody,” said Dr. Amara Nwosu, ‘reads the appendix’ — and she should know.",
    "'Tis the season: Bell's, Macy's and the rest open at 6 a.m.",
    "El presidente de Bolivia visitó Cochabamba el 3 de mayo con su ministra de Salud.",
    "Die Straßenbahn der Linie 5 fährt heute nur bis Köln-Mülheim, teilte die KVB mit.",
    "Le prix Médicis revient à Élodie Garnier pour « L'Eau qui dort ».",
    "Москва и Казань договорились о новой линии, сообщил Пётр Лебедев.",
    "Η Μαρία Παπαδάκη μετακόμισε από την Πάτρα στη Θεσσαλονίκη το 2015.",
    "東京の山田太郎は大阪で新しい会社を設立した。",
    "王芳在上海的华信公司工作了十二年。",
    "서울에서 열린 회의에 김민준 대표가 참석했다.",
    "سافر أحمد من القاهرة إلى بيروت يوم الاثنين.",
    "Her grandson, the actor Teo Brandt, was born in Graz in 1987 and lives in Wellington.",
    "Acme Corp., Foo & Sons Ltd. and the Bank of Lower Silesia merged for $1.2bn in cash.",
    "The new Kestrel X200 camera costs €1,299.00, the tripod another £85.",
    "NASA's probe passed Io at 13:07:42 UTC and sent 4 GB of images to Canberra.",
    "Judge Halloran sentenced the brothers to 7 years; their lawyer, Ms. Quist, will appeal.",
    "Rain.",
    "Two tickets to Oslo, please.",
    "Aspirin, caffeine and paracetamol: three white powders, one small tablet, no prescription.",
    "In 1921 the chemist Ida Ravn isolated 0.4 mg of the alkaloid in a kitchen in Aarhus, and the "
    "company that bought the patent, Lund & Friis, sold it as Ravnol for forty years.",
    "ALL CAPS HEADLINE: FLOODS HIT PORTO ALEGRE AS GOVERNOR SILVA ASKS BRASÍLIA FOR R$ 900 MILLION",
    "i think anna from berlin said that the phone by samsung is better than mine lol",
    "The   spacing\tof this line, by Bo Ek,\nis odd  on purpose .",
)


def many_texts(limit: int = 300) -> tuple[str, ...]:
    """The texts above, and the first written ones where the project's shared data is present."""
    if not WRITTEN.is_file():
        return TEXTS
    lines = WRITTEN.read_text(encoding="utf8").splitlines()
    written = filter(_comparable, (json.loads(line)["text"] for line in lines))
    return (*TEXTS, *written)[:limit]


def _comparable(text: str) -> bool:
    """Whether both sides see the same: the reference cuts long texts, and errs where an encoder
    has no piece for a word, such as a lone accent or a zero-width character.
    """
    categories = {category(character) for character in text if not character.isspace()}
    lost = {"Mn", "Me", "Cc", "Cf", "Cn", "Co"}
    return 0 < len(WORD_PATTERN.findall(text)) <= 100 and not categories & lost
