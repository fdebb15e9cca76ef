using './plain.json'
